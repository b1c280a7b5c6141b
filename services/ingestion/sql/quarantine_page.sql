-- A page of what is kept apart, newest first, before a (created_at, id) if one is given; $4 null means all rooftops.
select id, rooftop, source, event_id, event_type, reason, message, created_at, released_at
from ingestion.quarantine
where group_id = $1
  and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
  and ($4::text[] is null or rooftop = any($4))
  and ($5 or released_at is null)
order by created_at desc, id desc
limit $6
