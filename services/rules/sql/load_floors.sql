-- What is kept of the staff and store events of these rooftops.
SELECT f.group_id, f.rooftop, f.body
FROM unnest($2::text[], $3::text[]) AS wanted (group_id, rooftop)
JOIN rules.floor f ON f.part = $1 AND f.group_id = wanted.group_id AND f.rooftop = wanted.rooftop;
