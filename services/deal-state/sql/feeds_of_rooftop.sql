-- The sources of a rooftop of which the directory says something new.
select source, state, last_recorded_at, last_event_at from deal_state.source
where part = $1 and group_id = $2 and rooftop = $3
order by source
limit $4
