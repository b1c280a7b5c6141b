-- The sources of these rooftops. LATERAL: see load_deals.sql.
SELECT f.group_id, f.rooftop, f.source, f.heard
FROM unnest($2::text[], $3::text[]) AS wanted (group_id, rooftop)
CROSS JOIN LATERAL (
    SELECT * FROM rules.feed kept
    WHERE kept.part = $1 AND kept.group_id = wanted.group_id AND kept.rooftop = wanted.rooftop
    OFFSET 0
) f;
