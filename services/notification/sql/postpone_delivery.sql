-- A try failed; there will be another. Only whoever holds the lease says so.
UPDATE notification.delivery
SET attempts = $5, last_result = $6, next_at = $7, lease = NULL, lease_until = '-infinity'
WHERE part = $1 AND group_id = $2 AND delivery_id = $3 AND lease = $4 AND state = 1;
