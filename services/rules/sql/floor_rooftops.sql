-- How far the floors of a group's rooftops are: whenever one of them changes, so does the position of its part. Cursors and
-- watermarks are ours and not a group's, so this is read as a worker.
SELECT r.rooftop, r.part, COALESCE(c.pos, 0) AS "pos!", w.until AS "until?"
FROM rules.rooftop r
LEFT JOIN rules.cursor c ON c.consumer = $3 AND c.part = r.part
LEFT JOIN rules.watermark w ON w.consumer = $3 AND w.part = r.part
WHERE r.group_id = $1 AND ($2::text[] IS NULL OR r.rooftop = ANY ($2))
ORDER BY r.rooftop
LIMIT $4;
