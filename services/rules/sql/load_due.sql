-- The first alarms of a part with their deals. An alarm is to be forgotten if it has no deal, or if later entries of the
-- deal are parked: what is known of it is old, and would raise something false.
SELECT
    a.group_id, a.rooftop, a.deal_id,
    EXISTS (
        SELECT FROM rules.parked p
        WHERE p.consumer = $4
            AND p.part = a.part
            AND p.group_id = a.group_id
            AND p.rooftop = a.rooftop
            AND p.entity = a.deal_id
    ) AS "parked!",
    d.origin AS "origin?", d.recorded_at AS "recorded_at?", d.traceparent AS "traceparent?",
    d.tracestate AS "tracestate?", d.body AS "body?"
FROM rules.alarm a
LEFT JOIN rules.deal d USING (part, group_id, rooftop, deal_id)
WHERE a.part = $1 AND a.at <= $2
ORDER BY a.at, a.group_id, a.rooftop, a.deal_id
LIMIT $3;
