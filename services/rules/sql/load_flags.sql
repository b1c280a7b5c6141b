-- All flags of these deals. Locked, so that what a person does to one meanwhile is neither lost nor overwritten.
SELECT f.group_id, f.rooftop, f.subject, f.retracted, f.body
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
JOIN rules.flag f
    ON f.part = $1
    AND f.group_id = wanted.group_id
    AND f.rooftop = wanted.rooftop
    AND f.subject = wanted.deal_id
ORDER BY f.group_id, f.flag_id
FOR UPDATE OF f;
