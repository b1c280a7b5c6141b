-- Keeps events apart; one that is there already was sent again. In the order of the key.
insert into ingestion.quarantine as kept
  (group_id, id, rooftop, source, event_id, event_type, reason, message, event, created_at, last_seen_at)
select group_id, id, rooftop, source, event_id, event_type, reason, message, event, $10, $10
from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[], $9::bytea[])
  as spoiled (group_id, id, rooftop, source, event_id, event_type, reason, message, event)
order by group_id, id
on conflict (group_id, id) do update set
  times = kept.times + 1,
  last_seen_at = excluded.last_seen_at,
  released_at = null
