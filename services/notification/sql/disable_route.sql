-- The receiver said that it is gone.
UPDATE notification.route SET disabled_at = $3 WHERE group_id = $1 AND route_id = $2 AND disabled_at IS NULL;
