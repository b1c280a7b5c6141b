-- Alarms are made of the deals: whatever became of them, this makes the missing ones anew, some at a time. An owner that
-- judges a deal meanwhile wins; an alarm too many rings once and does nothing.
INSERT INTO rules.alarm (part, group_id, rooftop, deal_id, at)
SELECT d.part, d.group_id, d.rooftop, d.deal_id, d.next_change
FROM rules.deal d
LEFT JOIN rules.alarm a USING (part, group_id, rooftop, deal_id)
WHERE d.next_change IS NOT NULL AND a.part IS NULL
LIMIT $1
ON CONFLICT (part, group_id, rooftop, deal_id) DO NOTHING;
