-- The uploader is there. No row: another upload took over, or the import has ended.
update ingestion.import
set alive_until = now() + $4 * interval '1 millisecond'
where group_id = $1 and id = $2 and epoch = $3 and ended_at is null
