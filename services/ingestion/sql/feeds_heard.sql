-- Notes what was heard of feeds, in the order of the key. Instants are microseconds since 1970; null where nothing was accepted.
insert into ingestion.feed as feed
  (group_id, rooftop, source, accepted, duplicates, last_recorded_at, last_occurred_at, lag_ms)
select group_id, rooftop, source, accepted, duplicates,
       timestamptz 'epoch' + recorded_us * interval '1 microsecond',
       timestamptz 'epoch' + occurred_us * interval '1 microsecond',
       lag_ms
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
  as heard (group_id, rooftop, source, accepted, duplicates, recorded_us, occurred_us, lag_ms)
order by group_id, rooftop, source
on conflict (group_id, rooftop, source) do update set
  accepted = feed.accepted + excluded.accepted,
  duplicates = feed.duplicates + excluded.duplicates,
  last_recorded_at = coalesce(excluded.last_recorded_at, feed.last_recorded_at),
  last_occurred_at = greatest(excluded.last_occurred_at, feed.last_occurred_at),
  lag_ms = coalesce(excluded.lag_ms, feed.lag_ms)
