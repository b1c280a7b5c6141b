-- Rows that should not be there.
delete from deal_state.{table} t
using jsonb_to_recordset($2::text::jsonb) as wanted({wanted})
where t.part = $1 and {same}
