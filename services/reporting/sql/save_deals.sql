-- Deals and retractions as they now stand. The guard repeats what was decided before: an older revision never overwrites.
INSERT INTO reporting.deal AS d (
    part, group_id, rooftop, deal_id, revision, retracted, subject, state, opened_at, rework, interval_ids
)
SELECT $1::smallint, given.*
FROM (
    SELECT
        group_id, rooftop, deal_id, revision, retracted, subject, state, opened_at, rework,
        -- Postgres has no arrays of arrays of different lengths: each comes as JSON.
        ARRAY(SELECT jsonb_array_elements_text(ids))
    FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::text[], $8::smallint[], $9::timestamptz[],
        $10::integer[], $11::jsonb[]
    ) AS told (group_id, rooftop, deal_id, revision, retracted, subject, state, opened_at, rework, ids)
) AS given
ON CONFLICT (part, group_id, rooftop, deal_id) DO UPDATE SET
    revision = excluded.revision,
    retracted = excluded.retracted,
    subject = excluded.subject,
    state = excluded.state,
    opened_at = excluded.opened_at,
    rework = excluded.rework,
    interval_ids = excluded.interval_ids
WHERE d.revision < excluded.revision
