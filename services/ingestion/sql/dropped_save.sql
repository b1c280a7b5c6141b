-- Notes how far it is read, and that its taker is there. No row: another one took it.
update ingestion.dropped_file
set rows_done = $6, leased_until = $7
where group_id = $1 and rooftop = $2 and profile = $3 and content = $4 and epoch = $5 and state = 1
