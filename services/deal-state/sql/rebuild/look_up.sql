-- The rows that have these keys.
select {key} as key, {deal} as deal, t.group_id, t.rooftop, {hash} as hash, {body} as body, {row} as row
from jsonb_to_recordset($2::text::jsonb) as wanted({wanted})
join deal_state.{table} t on t.part = $1 and {same}
