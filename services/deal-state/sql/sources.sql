select rooftop, source, last_recorded_at, last_event_at, expected_ms, stale_at from deal_state.source
where group_id = $1 and rooftop = any($2)
order by rooftop, source
