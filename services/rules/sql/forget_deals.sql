-- Deals of which time alone changes nothing any more; alarms that have no deal go the same way.
WITH given AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS given (group_id, rooftop, deal_id)
), silenced AS (
    DELETE FROM rules.alarm a USING given
    WHERE a.part = $1 AND a.group_id = given.group_id AND a.rooftop = given.rooftop AND a.subject = given.deal_id
)
DELETE FROM rules.deal d USING given
WHERE d.part = $1 AND d.group_id = given.group_id AND d.rooftop = given.rooftop AND d.deal_id = given.deal_id;
