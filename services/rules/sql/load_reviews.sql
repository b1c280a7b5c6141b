-- All review items of these deals, locked as their flags are.
SELECT r.group_id, r.rooftop, r.subject, r.body
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
JOIN rules.review r
    ON r.part = $1
    AND r.group_id = wanted.group_id
    AND r.rooftop = wanted.rooftop
    AND r.subject = wanted.deal_id
ORDER BY r.group_id, r.review_id
FOR UPDATE OF r;
