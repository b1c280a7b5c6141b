-- It was delivered, given up or withheld. Only whoever holds the lease says so.
UPDATE notification.delivery
SET state = $5, attempts = $6, last_result = $7, ended_at = $8, lease = NULL, lease_until = '-infinity'
WHERE part = $1 AND group_id = $2 AND delivery_id = $3 AND lease = $4 AND state = 1;
