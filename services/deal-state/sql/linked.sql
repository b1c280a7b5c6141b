-- Every linking key of every deal that one of these keys points to.
select key, group_id, rooftop, kind, scope, value, deal_id
from deal_state.deal_key
where part = $1
  and deal_id = any(array(select found.deal_id from deal_state.deal_key found where found.part = $1 and found.key = any($2)))
