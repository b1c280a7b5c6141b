-- Ends an import that has not ended.
update ingestion.import
set state = 4, error = $3, ended_at = $4, changed_at = $4, alive_until = null
where group_id = $1 and id = $2 and ended_at is null
