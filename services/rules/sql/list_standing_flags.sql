-- Flags of a group or of some rooftops that stand, newest first.
SELECT f.flag_id, f.opened_at, f.body
FROM rules.flag f
WHERE f.group_id = $1
    AND NOT f.retracted AND f.closed_at IS NULL
    AND ($2::text[] IS NULL OR f.rooftop = ANY ($2))
    AND ($3::text IS NULL OR f.kind = $3)
    AND ($4::timestamptz IS NULL OR (f.opened_at, f.flag_id) < ($4, $5))
ORDER BY f.opened_at DESC, f.flag_id DESC
LIMIT $6;
