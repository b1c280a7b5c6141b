-- Counts of deals in the cuts asked for ($5 rooftop, $6 day), by when they were opened. States are those of
-- throughline.deal.v1.DealState: 3 delivered, 4 funded (and so delivered), 5 lost, 6 unwound.
WITH cut AS (
    SELECT
        d.state,
        d.rework,
        CASE WHEN $5 THEN d.rooftop ELSE '' END AS of_rooftop,
        CASE WHEN $6 THEN coalesce(to_char(d.opened_at AT TIME ZONE coalesce(r.zone, 'UTC'), 'YYYY-MM-DD'), '') ELSE '' END AS of_day
    FROM reporting.deal d
    LEFT JOIN reporting.rooftop r ON r.group_id = d.group_id AND r.rooftop = d.rooftop
    WHERE NOT d.retracted
        AND d.group_id = $1
        AND ($2::text[] IS NULL OR d.rooftop = ANY ($2))
        -- a deal whose opening is unknown belongs to no range
        AND ($3::timestamptz IS NULL OR d.opened_at >= $3)
        AND ($4::timestamptz IS NULL OR d.opened_at < $4)
)
SELECT
    of_rooftop AS "rooftop!",
    of_day AS "day!",
    count(*) AS "deals!",
    count(*) FILTER (WHERE state IN (3, 4)) AS "delivered!",
    count(*) FILTER (WHERE state = 4) AS "funded!",
    count(*) FILTER (WHERE state = 5) AS "lost!",
    count(*) FILTER (WHERE state = 6) AS "unwound!",
    count(*) FILTER (WHERE rework > 0) AS "deals_with_rework!",
    coalesce(sum(rework), 0) AS "rework!"
FROM cut
GROUP BY of_rooftop, of_day
ORDER BY of_rooftop, of_day
LIMIT $7
