-- The oldest events that are not released; $2 null means all rooftops.
select id, rooftop, source, event
from ingestion.quarantine
where group_id = $1 and released_at is null and ($2::text[] is null or rooftop = any($2))
order by created_at, id
limit $3
