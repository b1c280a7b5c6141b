-- Open deals that left the board because nothing was heard of them for too long.
select deal_id, rooftop from deal_state.deal
where group_id = $1 and rooftop = any($2) and open and last_event_at >= $3 and last_event_at < $4
limit 10000
