-- A page of a group's feeds behind a (rooftop, source); $4 null means all rooftops.
select rooftop, source, accepted, duplicates, last_recorded_at, last_occurred_at, lag_ms
from ingestion.feed
where group_id = $1
  and (rooftop, source) > ($2, $3)
  and ($4::text[] is null or rooftop = any($4))
order by rooftop, source
limit $5
