-- Flags of a floor that stand, and these. Locked, so that what a person does to one meanwhile is neither lost nor overwritten.
SELECT f.retracted, f.body
FROM rules.flag f
WHERE f.part = $1
    AND f.group_id = $2
    AND f.rooftop = $3
    AND f.subject = 'floor'
    AND ((f.closed_at IS NULL AND NOT f.retracted) OR f.flag_id = ANY ($4))
ORDER BY f.flag_id
FOR UPDATE OF f;
