-- A polled table, held until somebody else's upload is looked at: who reads it, and what is remembered.
select import_id, epoch, before_at, last_at, types from ingestion.polled_table where group_id = $1 and id = $2 for update
