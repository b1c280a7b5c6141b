-- What is kept of these deals of a part. LATERAL with LIMIT looks each up by its whole key: a plan made while the table was
-- small reads the whole part otherwise.
SELECT d.group_id, d.rooftop, d.deal_id, d.revision, d.interval_ids
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
CROSS JOIN LATERAL (
    SELECT kept.group_id, kept.rooftop, kept.deal_id, kept.revision, kept.interval_ids
    FROM reporting.deal kept
    WHERE kept.part = $1
        AND kept.group_id = wanted.group_id
        AND kept.rooftop = wanted.rooftop
        AND kept.deal_id = wanted.deal_id
    LIMIT 1
) d
