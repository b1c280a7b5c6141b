-- By what the deals of these rooftops are judged.
SELECT r.group_id, r.rooftop, r.body
FROM unnest($1::text[], $2::text[]) AS wanted (group_id, rooftop)
JOIN rules.rooftop r USING (group_id, rooftop);
