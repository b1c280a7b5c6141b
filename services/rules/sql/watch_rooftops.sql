-- Rooftops with their parts, without those that are known already.
SELECT r.part, r.rooftop
FROM rules.rooftop r
WHERE r.group_id = $1 AND ($2::text[] IS NULL OR r.rooftop = ANY ($2)) AND r.rooftop <> ALL ($3::text[])
ORDER BY r.rooftop COLLATE "C"
LIMIT $4;
