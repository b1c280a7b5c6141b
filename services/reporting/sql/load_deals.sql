-- What is kept of these deals of a part.
SELECT d.group_id, d.rooftop, d.deal_id, d.revision, d.interval_ids
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
JOIN reporting.deal d
    ON d.part = $1 AND d.group_id = wanted.group_id AND d.rooftop = wanted.rooftop AND d.deal_id = wanted.deal_id
