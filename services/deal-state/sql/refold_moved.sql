update deal_state.refold set after_deal = $4 where part = $1 and group_id = $2 and rooftop = $3
