-- What is kept of the staff and store events of these rooftops. LATERAL: see load_deals.sql.
SELECT f.group_id, f.rooftop, f.body
FROM unnest($2::text[], $3::text[]) AS wanted (group_id, rooftop)
CROSS JOIN LATERAL (
    SELECT * FROM rules.floor kept
    WHERE kept.part = $1 AND kept.group_id = wanted.group_id AND kept.rooftop = wanted.rooftop
    LIMIT 1
) f;
