-- Those of these events that are not released; $3 null means all rooftops.
select id, rooftop, source, event
from ingestion.quarantine
where group_id = $1 and id = any($2) and released_at is null and ($3::text[] is null or rooftop = any($3))
order by created_at, id
