-- The deals whose alarms fire, as they are kept. One that is kept no longer is absent.
SELECT d.group_id, d.rooftop, d.deal_id, d.origin, d.recorded_at, d.traceparent, d.tracestate, d.body
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
JOIN rules.deal d
    ON d.part = $1
    AND d.group_id = wanted.group_id
    AND d.rooftop = wanted.rooftop
    AND d.deal_id = wanted.deal_id;
