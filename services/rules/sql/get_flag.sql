-- One flag, unless it turned out never to have stood.
SELECT f.body
FROM rules.rooftop r
JOIN rules.flag f ON f.part = r.part AND f.group_id = r.group_id AND f.rooftop = r.rooftop
WHERE r.group_id = $1 AND r.rooftop = $2 AND f.flag_id = $3 AND NOT f.retracted;
