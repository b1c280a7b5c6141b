-- Messages of a group or of some rooftops, newest first.
SELECT delivery_id, route_id, rooftop, flag_id, step, state, attempts, last_result, decided_at, ended_at
FROM notification.delivery
WHERE group_id = $1
    AND ($2::text[] IS NULL OR rooftop = ANY ($2))
    AND ($3::timestamptz IS NULL OR (decided_at, delivery_id) < ($3, $4))
ORDER BY decided_at DESC, delivery_id DESC
LIMIT $5;
