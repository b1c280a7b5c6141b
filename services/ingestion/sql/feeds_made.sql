-- Feeds that may be new, in the order of the key; what another transaction makes is waited for.
insert into ingestion.feed (group_id, rooftop, source, accepted, duplicates)
select group_id, rooftop, source, 0, 0
from unnest($1::text[], $2::text[], $3::text[]) as made (group_id, rooftop, source)
order by group_id, rooftop, source
on conflict do nothing
