-- What was last said of these deals between two positions.
select distinct on (entity) entity, body from deal_state.deal_log
where part = $1 and pos > $2 and pos <= $3 and entity = any($4)
order by entity, pos desc
