-- Rows as they are somewhere else, over those that are here.
insert into deal_state.{table}
select given.* from jsonb_populate_recordset(null::deal_state.{table}, $1::text::jsonb) given
on conflict (part, {keys}) do {update}
