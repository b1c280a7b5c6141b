-- The first flags of a part that were last changed before an instant, are not decided on, and whose timers are not parked.
SELECT f.group_id, f.rooftop, f.flag_id
FROM notification.flag AS f
WHERE f.part = $1
    AND f.undecided_at < $2
    AND NOT EXISTS (
        SELECT FROM notification.parked_timer t
        WHERE t.consumer = $3
            AND t.part = f.part
            AND t.group_id = f.group_id
            AND t.rooftop = f.rooftop
            AND t.entity = f.flag_id
    )
ORDER BY f.undecided_at, f.group_id, f.flag_id
LIMIT $4;
