-- Every linking key of these deals.
select key, group_id, rooftop, kind, scope, value, deal_id
from deal_state.deal_key
where part = $1 and deal_id = any($2)
