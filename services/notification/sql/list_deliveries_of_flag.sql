-- Messages of one flag, newest first.
SELECT delivery_id, route_id, rooftop, flag_id, step, state, attempts, last_result, decided_at, ended_at
FROM notification.delivery
WHERE group_id = $1 AND rooftop = $2 AND flag_id = $3
    AND ($4::timestamptz IS NULL OR (decided_at, delivery_id) < ($4, $5))
ORDER BY decided_at DESC, delivery_id DESC
LIMIT $6;
