delete from ingestion.polled_row where part = $1 and table_id = $2 and row = any($3)
