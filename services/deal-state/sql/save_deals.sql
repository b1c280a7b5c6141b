insert into deal_state.deal
  (part, deal_id, group_id, rooftop, state, open, blind, opened_at, last_event_at, rework, event_count, state_hash, body)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], $7::boolean[],
                         $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[], $12::bytea[], $13::bytea[])
on conflict (part, deal_id) do update
set state = excluded.state, open = excluded.open, blind = excluded.blind, opened_at = excluded.opened_at,
    last_event_at = excluded.last_event_at, rework = excluded.rework, event_count = excluded.event_count,
    state_hash = excluded.state_hash, body = excluded.body
