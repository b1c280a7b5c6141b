-- A page of a group's feeds behind a (rooftop, source); $4 null means all rooftops, $6 null means stale ones or not.
select rooftop, source, accepted, duplicates, last_recorded_at, last_occurred_at, lag_ms, state, expected_ms, stale_at
from ingestion.feed
where group_id = $1
  and (rooftop, source) > ($2, $3)
  and ($4::text[] is null or rooftop = any($4))
  and ($6::timestamptz is null or stale_at <= $6)
order by rooftop, source
limit $5
