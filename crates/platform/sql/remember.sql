-- The row of an id that was forgotten (a day has passed) may still stand there.
INSERT INTO {schema}.request (group_id, request_id, method, body_hash, response)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (group_id, request_id) DO UPDATE
SET method = excluded.method, body_hash = excluded.body_hash, response = excluded.response, answered_at = now()
