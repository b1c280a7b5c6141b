-- A content, held until it is taken or left.
select import_id, state, why, leased_until, rows_done
from ingestion.dropped_file
where group_id = $1 and rooftop = $2 and profile = $3 and content = $4
for update
