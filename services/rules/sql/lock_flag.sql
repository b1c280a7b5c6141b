-- One flag, held until the decision about it is committed: the follower waits, and then sees it.
SELECT f.part, f.subject, f.retracted, f.body
FROM rules.rooftop r
JOIN rules.flag f ON f.part = r.part AND f.group_id = r.group_id AND f.rooftop = r.rooftop
WHERE r.group_id = $1 AND r.rooftop = $2 AND f.flag_id = $3
FOR UPDATE OF f;
