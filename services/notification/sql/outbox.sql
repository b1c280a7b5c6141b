-- How many messages wait, and since when the oldest of them is due.
SELECT count(*) AS "waiting!", min(next_at) FILTER (WHERE isfinite(next_at)) AS "due_since?" FROM notification.delivery WHERE state = 1;
