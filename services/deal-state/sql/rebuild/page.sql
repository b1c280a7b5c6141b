-- A page of a table in the order of its keys.
select {key} as key, {deal} as deal, t.group_id, t.rooftop, {hash} as hash, {body} as body
from deal_state.{table} t
where t.part = $1 and {after}
order by {order}
limit {most}
