-- Flags as they now stand; one row a flag. One that nobody is to be told of matters only if somebody was, or was to be.
INSERT INTO notification.flag AS f (
    part, group_id, flag_id, rooftop, severity, opened_at, closed_at, acknowledged, history_recorded_at, retracted,
    revision, told_at, undecided_at, content, traceparent, tracestate
)
SELECT $1, given.group_id, given.flag_id, given.rooftop, given.severity, given.opened_at, given.closed_at,
    given.acknowledged, given.history_recorded_at, false, given.revision, $2, given.undecided_at, given.content,
    given.traceparent, given.tracestate
FROM unnest(
    $3::text[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[], $8::timestamptz[], $9::boolean[],
    $10::timestamptz[], $11::bigint[], $12::timestamptz[], $13::bytea[], $14::text[], $15::text[]
) AS given (
    group_id, flag_id, rooftop, severity, opened_at, closed_at, acknowledged, history_recorded_at, revision,
    undecided_at, content, traceparent, tracestate
)
WHERE given.undecided_at IS NOT NULL
    OR EXISTS (
        SELECT FROM notification.flag AS known
        WHERE known.part = $1 AND known.group_id = given.group_id AND known.flag_id = given.flag_id
    )
ON CONFLICT (part, group_id, flag_id) DO UPDATE SET
    rooftop = EXCLUDED.rooftop,
    severity = EXCLUDED.severity,
    opened_at = EXCLUDED.opened_at,
    closed_at = EXCLUDED.closed_at,
    acknowledged = EXCLUDED.acknowledged,
    history_recorded_at = EXCLUDED.history_recorded_at,
    retracted = false,
    revision = EXCLUDED.revision,
    told_at = EXCLUDED.told_at,
    undecided_at = EXCLUDED.undecided_at,
    content = EXCLUDED.content,
    traceparent = EXCLUDED.traceparent,
    tracestate = EXCLUDED.tracestate
WHERE f.revision < EXCLUDED.revision;
