-- The oldest events that are not released and that may have become right by themselves ($4); $2 null means all rooftops.
-- What was broken when it came rests without the part that was broken: accepted, it would mean something else.
select id, rooftop, source, event
from ingestion.quarantine
where group_id = $1 and released_at is null and ($2::text[] is null or rooftop = any($2))
  and reason = any($4)
order by created_at, id
limit $3
