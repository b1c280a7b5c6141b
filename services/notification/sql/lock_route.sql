-- One route, held until what is done about it has committed.
SELECT route_id, rooftops, measures, min_severity, url, created_at, disabled_at
FROM notification.route
WHERE group_id = $1 AND route_id = $2
FOR UPDATE;
