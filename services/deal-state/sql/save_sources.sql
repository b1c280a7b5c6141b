insert into deal_state.source as known
  (part, group_id, rooftop, source, last_recorded_at, last_event_at, state, expected_ms, stale_at, told_at)
select $1, * from unnest(
  $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::bigint[], $9::timestamptz[],
  $10::timestamptz[]
)
on conflict (part, group_id, rooftop, source) do update
set last_recorded_at = excluded.last_recorded_at,
    last_event_at = greatest(known.last_event_at, excluded.last_event_at),
    state = excluded.state,
    expected_ms = excluded.expected_ms,
    stale_at = excluded.stale_at,
    told_at = coalesce(excluded.told_at, known.told_at)
