-- Percentiles of durations in the cuts asked for ($6 rooftop, $7 department, $8 day, $9 hour). percentile_cont is type 7;
-- one array of fractions makes it sort once. Bounds of time are coalesced rather than tested for NULL, so that the index serves.
-- Days and hours are computed here, about 1 us a row, so that a new zone rewrites nothing: 172,000 intervals took 0.2 s
-- uncut and 0.3 s by day and hour, two days of them 15 ms.
WITH cut AS (
    SELECT
        i.measure,
        i.kind,
        i.state,
        i.owner_department AS department,
        CASE WHEN $6 THEN i.rooftop ELSE '' END AS of_rooftop,
        CASE WHEN $7 THEN i.owner_department ELSE '' END AS of_department,
        CASE WHEN $8 THEN to_char(i.start_latest AT TIME ZONE coalesce(r.zone, 'UTC'), 'YYYY-MM-DD') ELSE '' END AS of_day,
        CASE WHEN $9 THEN date_part('hour', i.start_latest AT TIME ZONE coalesce(r.zone, 'UTC'))::integer ELSE -1 END AS of_hour,
        greatest(date_part('epoch', i.end_earliest - i.start_latest), 0) AS shortest,
        greatest(date_part('epoch', i.end_latest - i.start_earliest), 0) AS longest
    FROM reporting.interval i
    LEFT JOIN reporting.rooftop r ON r.group_id = i.group_id AND r.rooftop = i.rooftop
    WHERE i.group_id = $1
        AND ($2::text[] IS NULL OR i.rooftop = ANY ($2))
        AND i.start_latest >= coalesce($3::timestamptz, '-infinity')
        AND i.start_latest < coalesce($4::timestamptz, 'infinity')
        AND ($5::text[] IS NULL OR i.measure = ANY ($5))
)
SELECT
    measure AS "measure!",
    kind AS "kind!",
    of_rooftop AS "rooftop!",
    -- known without being asked for wherever one department owns the measure
    CASE WHEN min(department) = max(department) THEN min(department) ELSE '' END AS "department!",
    of_department AS "cut_department!",
    of_day AS "day!",
    of_hour AS "hour!",
    count(*) FILTER (WHERE state = 2) AS "ended!",
    count(*) FILTER (WHERE state = 1) AS "open!",
    count(*) FILTER (WHERE state = 3) AS "not_observed!",
    percentile_cont(ARRAY[0.5, 0.75, 0.9]::float8[]) WITHIN GROUP (ORDER BY shortest) FILTER (WHERE state = 2) AS shortest,
    percentile_cont(ARRAY[0.5, 0.75, 0.9]::float8[]) WITHIN GROUP (ORDER BY longest) FILTER (WHERE state = 2) AS longest
FROM cut
GROUP BY measure, kind, of_rooftop, of_department, of_day, of_hour
ORDER BY measure, kind, of_rooftop, of_department, of_day, of_hour
LIMIT $10
