delete from deal_state.refold where part = $1 and group_id = $2 and rooftop = $3
