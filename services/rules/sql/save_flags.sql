-- Flags as they now stand. Whoever calls holds their locks since it read them.
INSERT INTO rules.flag (
    part, group_id, rooftop, flag_id, subject, kind, opened_at, closed_at, retracted, revision, body
)
SELECT $1, given.* FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::boolean[],
    $10::bigint[], $11::bytea[]
) AS given
ON CONFLICT (part, group_id, flag_id) DO UPDATE SET
    opened_at = EXCLUDED.opened_at,
    closed_at = EXCLUDED.closed_at,
    retracted = EXCLUDED.retracted,
    revision = EXCLUDED.revision,
    body = EXCLUDED.body;
