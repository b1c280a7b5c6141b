-- It was read to its end, or as far as it can be. No row: another one took it.
update ingestion.dropped_file
set state = $6, why = $7, leased_until = null, changed_at = $8
where group_id = $1 and rooftop = $2 and profile = $3 and content = $4 and epoch = $5 and state = 1
