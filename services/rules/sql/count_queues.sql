-- How many other deals of the rooftop wait for a department just now; more than a hundred count as a hundred.
SELECT wanted.ordinality AS "ordinality!", queue.others AS "others!"
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS wanted (group_id, rooftop, deal_id, department, ordinality)
CROSS JOIN LATERAL (
    SELECT count(*)::int4 AS others
    FROM (
        SELECT FROM rules.deal d
        WHERE d.part = $1
            AND d.group_id = wanted.group_id
            AND d.rooftop = wanted.rooftop
            AND d.waits_for <> '{}'
            AND d.waits_for @> ARRAY[wanted.department]
            AND d.deal_id <> wanted.deal_id
        LIMIT 100
    ) AS waiting
) AS queue;
