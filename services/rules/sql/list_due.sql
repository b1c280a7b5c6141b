-- The first alarms of a part. An alarm rests, and is not lost, while its deal's or its rooftop's timer is parked, and while
-- entries of its deal are: what is known of the deal without them is old, and would raise something false.
SELECT a.group_id, a.rooftop, a.subject
FROM rules.alarm a
WHERE a.part = $1
    AND a.at <= $2
    AND NOT EXISTS (
        SELECT FROM rules.parked_timer t
        WHERE t.consumer = $3
            AND t.part = a.part
            AND t.group_id = a.group_id
            AND t.rooftop = a.rooftop
            AND t.entity IN (a.subject, $4)
    )
    AND NOT EXISTS (
        SELECT FROM rules.parked p
        WHERE p.consumer = $3
            AND p.part = a.part
            AND p.group_id = a.group_id
            AND p.rooftop = a.rooftop
            AND p.entity = a.subject
    )
ORDER BY a.at, a.group_id, a.rooftop, a.subject
LIMIT $5;
