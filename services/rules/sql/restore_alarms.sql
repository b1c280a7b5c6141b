-- Alarms are made of the deals and floors: whatever became of them, this makes the missing ones anew, some at a time. An
-- owner that judges one meanwhile wins; an alarm too many fires once and does nothing.
INSERT INTO rules.alarm (part, group_id, rooftop, subject, at)
SELECT missing.part, missing.group_id, missing.rooftop, missing.subject, missing.next_change
FROM (
    SELECT d.part, d.group_id, d.rooftop, d.deal_id AS subject, d.next_change
    FROM rules.deal d
    WHERE d.next_change IS NOT NULL
    UNION ALL
    SELECT f.part, f.group_id, f.rooftop, 'floor', f.next_change
    FROM rules.judged_floor f
    WHERE f.next_change IS NOT NULL
) AS missing
LEFT JOIN rules.alarm a USING (part, group_id, rooftop, subject)
WHERE a.part IS NULL
LIMIT $1
ON CONFLICT (part, group_id, rooftop, subject) DO NOTHING;
