-- A page of a group's hooks by creation, behind a (created_at, hook_id) if one is given. $2 null means those of all rooftops and
-- of the group.
select hook_id, display_name, rooftop, profile, profile_yaml, source, created_at, rotated_at, former_until
from ingestion.hook
where group_id = $1
  and ($2::text[] is null or rooftop = any($2))
  and ($3::timestamptz is null or (created_at, hook_id) > ($3, $4))
order by created_at, hook_id
limit $5
