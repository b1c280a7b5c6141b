SELECT method, body_hash, response
FROM {schema}.request
WHERE group_id = $1 AND request_id = $2 AND answered_at > now() - interval '24 hours'
