select count(*) from deal_state.{table} t where t.part = $1
