-- Those of these events that are not released and that may be right now ($4); $3 null means all rooftops.
select id, rooftop, source, event
from ingestion.quarantine
where group_id = $1 and id = any($2) and released_at is null and ($3::text[] is null or rooftop = any($3))
  and reason = any($4)
order by created_at, id
