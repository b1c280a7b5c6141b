-- Other targets, calendars or steps: every deal of the rooftop that is still kept is looked at again.
WITH again AS (
    UPDATE rules.deal SET next_change = LEAST(next_change, $4)
    WHERE part = $1 AND group_id = $2 AND rooftop = $3
    RETURNING part, group_id, rooftop, deal_id, next_change
)
INSERT INTO rules.alarm (part, group_id, rooftop, subject, at)
SELECT part, group_id, rooftop, deal_id, next_change FROM again
ON CONFLICT (part, group_id, rooftop, subject) DO UPDATE SET at = EXCLUDED.at;
