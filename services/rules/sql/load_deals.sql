-- Which of these deals are kept, and when each was last judged. LATERAL with LIMIT looks each up by its whole key: a plan made
-- while the table was small reads the whole part otherwise.
SELECT d.group_id, d.rooftop, d.deal_id, d.judged_at
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (group_id, rooftop, deal_id)
CROSS JOIN LATERAL (
    SELECT kept.group_id, kept.rooftop, kept.deal_id, kept.judged_at
    FROM rules.deal kept
    WHERE kept.part = $1
        AND kept.group_id = wanted.group_id
        AND kept.rooftop = wanted.rooftop
        AND kept.deal_id = wanted.deal_id
    LIMIT 1
) d;
