INSERT INTO notification.route (group_id, route_id, rooftops, measures, min_severity, url, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
