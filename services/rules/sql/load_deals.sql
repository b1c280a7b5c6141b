-- Which of these deals are kept, and when each was last judged.
SELECT d.group_id, d.rooftop, d.deal_id, d.judged_at
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
JOIN rules.deal d
    ON d.part = $1
    AND d.group_id = wanted.group_id
    AND d.rooftop = wanted.rooftop
    AND d.deal_id = wanted.deal_id;
