-- A bounded number of flags that have been over for long.
DELETE FROM notification.flag
WHERE (part, group_id, flag_id) IN (
    SELECT part, group_id, flag_id FROM notification.flag
    WHERE (closed_at IS NOT NULL OR retracted) AND told_at < $1
    ORDER BY told_at LIMIT $2
);
