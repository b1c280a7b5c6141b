-- Subjects of a part that were judged at an instant that lies ahead of the clock are judged again at the rule time.
WITH judged_ahead AS (
    UPDATE rules.deal
    SET judged_at = $3
    WHERE part = $1 AND judged_at > $2
    RETURNING part, group_id, rooftop, deal_id AS subject
), floors_ahead AS (
    UPDATE rules.judged_floor
    SET judged_at = $3
    WHERE part = $1 AND judged_at > $2
    RETURNING part, group_id, rooftop, 'floor' AS subject
)
INSERT INTO rules.alarm (part, group_id, rooftop, subject, at)
SELECT part, group_id, rooftop, subject, $3 FROM judged_ahead
UNION ALL
SELECT part, group_id, rooftop, subject, $3 FROM floors_ahead
ON CONFLICT (part, group_id, rooftop, subject) DO UPDATE SET at = excluded.at;
