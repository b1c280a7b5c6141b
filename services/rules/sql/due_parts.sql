-- Parts that have an alarm at or before an instant. Those alarms rest whose deal or rooftop is parked; see list_due.sql.
SELECT mine.part AS "part!"
FROM unnest($1::smallint[]) AS mine (part)
WHERE EXISTS (
    SELECT FROM rules.alarm a
    WHERE a.part = mine.part
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
);
