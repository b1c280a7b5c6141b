-- Deals of a part that were judged at an instant that lies ahead of the clock are judged again at the rule time.
WITH judged_ahead AS (
    UPDATE rules.deal
    SET judged_at = $3
    WHERE part = $1 AND judged_at > $2
    RETURNING part, group_id, rooftop, deal_id
)
INSERT INTO rules.alarm (part, group_id, rooftop, deal_id, at)
SELECT part, group_id, rooftop, deal_id, $3 FROM judged_ahead
ON CONFLICT (part, group_id, rooftop, deal_id) DO UPDATE SET at = excluded.at;
