-- Rooftops of a part in which a step has not been reported for too long.
select distinct group_id, rooftop from deal_state.observed
where part = $1 and not expired and expires_at <= $2
order by group_id, rooftop
limit $3
