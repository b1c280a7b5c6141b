insert into ingestion.decision (group_id, rooftop, id, body, created_at) values ($1, $2, $3, $4, $5)
