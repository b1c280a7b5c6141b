-- A rooftop with what is kept of its staff and store events.
SELECT r.part, r.body AS "rooftop!", f.body AS "staff?"
FROM rules.rooftop r
LEFT JOIN rules.floor f ON f.part = r.part AND f.group_id = r.group_id AND f.rooftop = r.rooftop
WHERE r.group_id = $1 AND r.rooftop = $2;
