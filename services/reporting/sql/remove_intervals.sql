-- Intervals that their deals no longer have.
DELETE FROM reporting.interval i
USING unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS gone (group_id, rooftop, deal_id, interval_id)
WHERE i.part = $1
    AND i.group_id = gone.group_id
    AND i.rooftop = gone.rooftop
    AND i.deal_id = gone.deal_id
    AND i.interval_id = gone.interval_id
