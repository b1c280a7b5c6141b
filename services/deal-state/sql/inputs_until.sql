-- The events that came under these keys and were recorded until then.
select anchor, event, recorded_at, origin, actor, body from deal_state.fold_input
where part = $1 and anchor = any($2) and recorded_at <= $3
