-- Notes why events that were tried again are kept apart now.
update ingestion.quarantine kept
set reason = still.reason, message = still.message
from unnest($1::text[], $2::uuid[], $3::smallint[], $4::text[]) as still (group_id, id, reason, message)
where kept.group_id = still.group_id and kept.id = still.id
