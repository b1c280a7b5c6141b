-- A bounded number of messages that ended long ago. That they were decided is known no more, but what they told of is
-- too old to be told again.
DELETE FROM notification.delivery
WHERE (part, group_id, delivery_id) IN (
    SELECT part, group_id, delivery_id FROM notification.delivery WHERE ended_at < $1 ORDER BY ended_at LIMIT $2
);
