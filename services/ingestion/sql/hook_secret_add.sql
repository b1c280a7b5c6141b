insert into ingestion.hook_secret (group_id, hook_id, secret) values ($1, $2, $3)
