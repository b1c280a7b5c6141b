INSERT INTO notification.route_secret (group_id, route_id, secret) VALUES ($1, $2, $3);
