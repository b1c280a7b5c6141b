-- A hook of a group, locked until it is changed.
select hook_id, display_name, rooftop, profile, profile_yaml, source, created_at, rotated_at, former_until
from ingestion.hook
where group_id = $1 and hook_id = $2
for update
