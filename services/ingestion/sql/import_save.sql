-- Notes what is durable. No row: another upload took over, or the import has ended.
update ingestion.import
set counts = $4, current_file = $5, changed_at = $6, alive_until = now() + $7 * interval '1 millisecond'
where group_id = $1 and id = $2 and epoch = $3 and ended_at is null
