-- The deals whose alarms fire, as they are kept. One that is kept no longer is absent. LATERAL: see load_deals.sql.
SELECT d.group_id, d.rooftop, d.deal_id, d.origin, d.recorded_at, d.traceparent, d.tracestate, d.body
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM rules.deal kept
    WHERE kept.part = $1
        AND kept.group_id = wanted.group_id
        AND kept.rooftop = wanted.rooftop
        AND kept.deal_id = wanted.deal_id
    LIMIT 1
) d;
