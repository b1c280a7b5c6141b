-- All flags of these deals. Locked, so that what a person does to one meanwhile is neither lost nor overwritten, in the order
-- of the deals. LATERAL: see load_deals.sql. An ORDER BY in it would have the plan read all flags of the group in that order.
SELECT f.group_id, f.rooftop, f.subject, f.retracted, f.body
FROM (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS named (group_id, rooftop, deal_id)
    ORDER BY group_id, rooftop, deal_id
) wanted
CROSS JOIN LATERAL (
    SELECT held.group_id, held.rooftop, held.subject, held.retracted, held.body
    FROM rules.flag held
    WHERE held.part = $1
        AND held.group_id = wanted.group_id
        AND held.rooftop = wanted.rooftop
        AND held.subject = wanted.deal_id
    FOR UPDATE
) f;
