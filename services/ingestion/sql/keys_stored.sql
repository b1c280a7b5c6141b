-- What ids that were claimed before stand for.
select stored.part, stored.key, stored.content
from unnest($1::smallint[], $2::uuid[]) as claim (part, key)
join ingestion.event_key stored using (part, key)
