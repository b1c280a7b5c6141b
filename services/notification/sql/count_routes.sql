SELECT count(*) AS "count!" FROM notification.route WHERE group_id = $1;
