-- The review queue of a group or of some rooftops with what is resolved, oldest first.
SELECT v.review_id, v.opened_at, v.body
FROM rules.review v
WHERE v.group_id = $1
    AND ($2::text[] IS NULL OR v.rooftop = ANY ($2))
    AND ($3::timestamptz IS NULL OR (v.opened_at, v.review_id) > ($3, $4))
ORDER BY v.opened_at, v.review_id
LIMIT $5;
