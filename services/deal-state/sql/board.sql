-- A piece of the board: open deals that were heard of lately, rooftop by rooftop in the order of ids.
select deal_id, rooftop, body from deal_state.deal
where group_id = $1 and rooftop = any($2) and open and last_event_at >= $3
  and (rooftop, deal_id) > ($4, $5)
order by rooftop, deal_id
limit $6
