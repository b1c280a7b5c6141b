select deal_id from deal_state.deal
where part = $1 and group_id = $2 and rooftop = $3 and deal_id > $4 and (blind or $5)
order by deal_id
limit $6
