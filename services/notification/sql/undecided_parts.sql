-- Parts with a flag that was last changed before an instant and is not decided on, and whose timer is not parked.
SELECT part AS "part!"
FROM unnest($1::smallint[]) AS mine (part)
WHERE EXISTS (
    SELECT FROM notification.flag AS f
    WHERE f.part = mine.part
        AND f.undecided_at < $2
        AND NOT EXISTS (
            SELECT FROM notification.parked_timer t
            WHERE t.consumer = $3
                AND t.part = f.part
                AND t.group_id = f.group_id
                AND t.rooftop = f.rooftop
                AND t.entity = f.flag_id
        )
);
