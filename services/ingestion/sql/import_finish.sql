-- Ends an import with success, by its uploader.
update ingestion.import
set state = 2, ended_at = $4, changed_at = $4, alive_until = null
where group_id = $1 and id = $2 and epoch = $3 and ended_at is null
