-- The oldest events that are not released; $2 null means all rooftops. Those first that may have become right by themselves
-- ($4), so that what can never pass does not stand in their way.
select id, rooftop, source, event, reason = any($4) as "mendable!"
from ingestion.quarantine
where group_id = $1 and released_at is null and ($2::text[] is null or rooftop = any($2))
order by reason = any($4) desc, created_at, id
limit $3
