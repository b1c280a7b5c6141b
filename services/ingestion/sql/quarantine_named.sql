-- Those of these events that are not released; $3 null means all rooftops, $4 is what may have become right by itself.
select id, rooftop, source, event, reason = any($4) as "mendable!"
from ingestion.quarantine
where group_id = $1 and id = any($2) and released_at is null and ($3::text[] is null or rooftop = any($3))
order by created_at, id
