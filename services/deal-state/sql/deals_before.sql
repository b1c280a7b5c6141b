-- What was last said of these deals.
select deal_id, event_count, body from deal_state.deal where part = $1 and deal_id = any($2)
