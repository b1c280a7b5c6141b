-- Its secret goes with it; what it delivered stays.
DELETE FROM notification.route WHERE group_id = $1 AND route_id = $2;
