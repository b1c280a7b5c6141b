select part from deal_state.rooftop where group_id = $1 and rooftop = $2
