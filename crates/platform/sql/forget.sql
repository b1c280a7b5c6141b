DELETE FROM {schema}.request
WHERE (group_id, request_id) IN (
    SELECT group_id, request_id
    FROM {schema}.request
    WHERE answered_at <= now() - interval '24 hours'
    ORDER BY answered_at
    LIMIT 10000
)
