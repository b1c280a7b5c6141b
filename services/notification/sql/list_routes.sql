-- Routes of a group by creation. A key of some rooftops sees those that lead from these alone.
SELECT route_id, rooftops, measures, min_severity, url, created_at, disabled_at
FROM notification.route
WHERE group_id = $1
    AND ($2::text[] IS NULL OR (rooftops <> '{}' AND rooftops <@ $2))
    AND ($3::timestamptz IS NULL OR (created_at, route_id) > ($3, $4))
ORDER BY created_at, route_id
LIMIT $5;
