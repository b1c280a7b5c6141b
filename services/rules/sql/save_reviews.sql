-- Review items as they now stand. Whoever calls holds their locks since it read them.
INSERT INTO rules.review (part, group_id, rooftop, review_id, subject, kind, opened_at, resolved_at, revision, body)
SELECT $1, given.* FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::bigint[],
    $10::bytea[]
) AS given
ON CONFLICT (part, group_id, review_id) DO UPDATE SET
    kind = EXCLUDED.kind,
    opened_at = EXCLUDED.opened_at,
    resolved_at = EXCLUDED.resolved_at,
    revision = EXCLUDED.revision,
    body = EXCLUDED.body;
