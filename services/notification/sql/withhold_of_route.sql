-- What was decided for a route that leads nowhere any more and is not being sent just now.
UPDATE notification.delivery
SET state = 4, last_result = $3, ended_at = $4
WHERE group_id = $1 AND route_id = $2 AND state = 1 AND lease_until < now();
