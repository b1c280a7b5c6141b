select group_id, rooftop, after_deal, every_deal from deal_state.refold where part = $1 limit 1
