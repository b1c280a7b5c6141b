select distinct part from deal_state.refold where part = any($1)
