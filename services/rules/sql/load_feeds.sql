-- The sources of these rooftops.
SELECT f.group_id, f.rooftop, f.source, f.heard
FROM unnest($2::text[], $3::text[]) AS wanted (group_id, rooftop)
JOIN rules.feed f ON f.part = $1 AND f.group_id = wanted.group_id AND f.rooftop = wanted.rooftop;
