-- Adds to the sizes of groups whose rows are locked.
update ingestion.quarantine_size size
set kept = greatest(size.kept + grown.by, 0)
from unnest($1::text[], $2::bigint[]) as grown (group_id, by)
where size.group_id = grown.group_id
