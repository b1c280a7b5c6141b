-- Open routes of these groups.
SELECT group_id, route_id, rooftops, measures, min_severity, url
FROM notification.route
WHERE group_id = ANY ($1) AND disabled_at IS NULL;
