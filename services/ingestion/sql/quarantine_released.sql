-- Marks events that are in the log now.
update ingestion.quarantine kept
set released_at = $3
from unnest($1::text[], $2::uuid[]) as released (group_id, id)
where kept.group_id = released.group_id and kept.id = released.id and kept.released_at is null
