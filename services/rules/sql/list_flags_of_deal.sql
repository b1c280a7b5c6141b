-- Flags of one deal, newest first; they are few.
SELECT f.flag_id, f.opened_at, f.body
FROM rules.rooftop r
JOIN rules.flag f ON f.part = r.part AND f.group_id = r.group_id AND f.rooftop = r.rooftop
WHERE r.group_id = $1
    AND r.rooftop = $2
    AND f.subject = $3
    AND NOT f.retracted
    AND ($4::boolean OR f.closed_at IS NULL)
    AND ($5::text IS NULL OR f.kind = $5)
    AND ($6::timestamptz IS NULL OR (f.opened_at, f.flag_id) < ($6, $7))
ORDER BY f.opened_at DESC, f.flag_id DESC
LIMIT $8;
