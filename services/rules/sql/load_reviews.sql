-- All review items of these deals, locked as their flags are.
SELECT r.group_id, r.rooftop, r.subject, r.body
FROM (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS named (group_id, rooftop, deal_id)
    ORDER BY group_id, rooftop, deal_id
) wanted
CROSS JOIN LATERAL (
    SELECT held.group_id, held.rooftop, held.subject, held.body
    FROM rules.review held
    WHERE held.part = $1
        AND held.group_id = wanted.group_id
        AND held.rooftop = wanted.rooftop
        AND held.subject = wanted.deal_id
    FOR UPDATE
) r;
