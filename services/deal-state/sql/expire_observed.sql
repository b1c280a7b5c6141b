-- From now on no source of the rooftop reports these steps.
update deal_state.observed set expired = true
where part = $1 and group_id = $2 and rooftop = $3 and not expired and expires_at <= $4
