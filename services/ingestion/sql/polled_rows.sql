select row, given, seen from ingestion.polled_row where part = $1 and table_id = $2
