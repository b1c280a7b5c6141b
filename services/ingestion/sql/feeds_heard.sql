-- Notes what was heard of feeds that are held (feeds_locked.sql). Instants are microseconds since 1970.
update ingestion.feed feed set
  accepted = feed.accepted + heard.accepted,
  duplicates = feed.duplicates + heard.duplicates,
  last_recorded_at = coalesce(timestamptz 'epoch' + heard.recorded_us * interval '1 microsecond', feed.last_recorded_at),
  last_occurred_at = greatest(timestamptz 'epoch' + heard.occurred_us * interval '1 microsecond', feed.last_occurred_at),
  lag_ms = coalesce(heard.lag_ms, feed.lag_ms),
  state = heard.state,
  expected_ms = heard.expected_ms,
  stale_at = timestamptz 'epoch' + heard.stale_us * interval '1 microsecond',
  told_at = coalesce(timestamptz 'epoch' + heard.told_us * interval '1 microsecond', feed.told_at)
from unnest(
  $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::text[], $10::bigint[], $11::bigint[], $12::bigint[]
) as heard (
  group_id, rooftop, source, accepted, duplicates, recorded_us, occurred_us, lag_ms, state, expected_ms, stale_us, told_us
)
where feed.group_id = heard.group_id and feed.rooftop = heard.rooftop and feed.source = heard.source
