update ingestion.feed feed set
  expected_ms = judged.expected_ms,
  stale_at = timestamptz 'epoch' + judged.stale_us * interval '1 microsecond'
from unnest($3::text[], $4::bigint[], $5::bigint[]) as judged (source, expected_ms, stale_us)
where feed.group_id = $1 and feed.rooftop = $2 and feed.source = judged.source
