-- Live flags as they now stand; one row a flag.
INSERT INTO notification.flag AS f (
    part, group_id, flag_id, severity, opened_at, closed_at, acknowledged, retracted, revision, told_at
)
SELECT $1, given.group_id, given.flag_id, given.severity, given.opened_at, given.closed_at, given.acknowledged, false,
    given.revision, $2
FROM unnest($3::text[], $4::text[], $5::smallint[], $6::timestamptz[], $7::timestamptz[], $8::boolean[], $9::bigint[])
    AS given (group_id, flag_id, severity, opened_at, closed_at, acknowledged, revision)
ON CONFLICT (part, group_id, flag_id) DO UPDATE SET
    severity = EXCLUDED.severity,
    opened_at = EXCLUDED.opened_at,
    closed_at = EXCLUDED.closed_at,
    acknowledged = EXCLUDED.acknowledged,
    retracted = false,
    revision = EXCLUDED.revision,
    told_at = EXCLUDED.told_at
WHERE f.revision < EXCLUDED.revision;
