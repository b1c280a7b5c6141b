-- For the one caller who is shown it.
SELECT secret FROM notification.route_secret WHERE group_id = $1 AND route_id = $2;
