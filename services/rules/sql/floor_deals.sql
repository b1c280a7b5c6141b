-- Deals on the floor of a rooftop, those that changed last first, with how many there are.
SELECT d.deal_id, d.body, count(*) OVER () AS "total!"
FROM rules.deal d
WHERE d.part = $1 AND d.group_id = $2 AND d.rooftop = $3 AND d.on_floor
ORDER BY d.recorded_at DESC, d.deal_id
LIMIT $4;
