-- Which parts have rows.
select part::smallint from generate_series(0, 255) part where exists (select from deal_state.{table} t where t.part = part.part)
