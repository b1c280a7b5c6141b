select pos from deal_state.deal_head where part = $1
