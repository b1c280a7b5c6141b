-- Forgets an import that has ended.
delete from ingestion.import where group_id = $1 and id = $2 and ended_at is not null
