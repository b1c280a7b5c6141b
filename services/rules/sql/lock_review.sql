-- One review item, held until the decision about it is committed.
SELECT v.part, v.subject, v.body
FROM rules.rooftop r
JOIN rules.review v ON v.part = r.part AND v.group_id = r.group_id AND v.rooftop = r.rooftop
WHERE r.group_id = $1 AND r.rooftop = $2 AND v.review_id = $3
FOR UPDATE OF v;
