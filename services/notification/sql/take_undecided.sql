-- The first flags of a part that were last changed before an instant and are not decided on. Whoever holds the part decides in
-- this transaction, so they count as decided; only that owner changes flags of the part.
WITH due AS (
    SELECT part, group_id, flag_id, undecided_at, rooftop, content, traceparent, tracestate
    FROM notification.flag
    WHERE part = $1 AND undecided_at < $2
    ORDER BY undecided_at, group_id, flag_id
    LIMIT $3
),
decided AS (
    UPDATE notification.flag AS f
    SET undecided_at = NULL, content = NULL, traceparent = NULL, tracestate = NULL
    FROM due
    WHERE f.part = due.part AND f.group_id = due.group_id AND f.flag_id = due.flag_id
)
SELECT group_id AS "group_id!", rooftop AS "rooftop!", flag_id AS "flag_id!", content AS "content!",
    traceparent AS "traceparent!", tracestate AS "tracestate!"
FROM due
ORDER BY undecided_at, group_id, flag_id;
