-- Those of these flags that are not decided on. Whoever holds the part decides in this transaction, so they count as decided;
-- only that owner changes flags of the part.
WITH due AS (
    SELECT f.part, f.group_id, f.flag_id, f.undecided_at, f.rooftop, f.content, f.traceparent, f.tracestate
    FROM unnest($2::text[], $3::text[]) AS wanted (group_id, flag_id)
    -- With LIMIT, each is looked up by its whole key: a plan made while the table was small reads the whole part otherwise.
    CROSS JOIN LATERAL (
        SELECT * FROM notification.flag AS kept
        WHERE kept.part = $1 AND kept.group_id = wanted.group_id AND kept.flag_id = wanted.flag_id
        LIMIT 1
    ) f
    WHERE f.undecided_at IS NOT NULL
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
