-- Of the ended intervals of report_measures.sql, cut as there, the instants: open hours are reckoned from them. A row for
-- each rooftop and department of a cut, for each may keep its own hours; a cut's rows follow one another. Instants come as
-- microseconds since 1970, many to a row: 162,000 intervals, most of them bounded, take 0.8 s more in all, unoptimized.
WITH cut AS (
    SELECT
        i.measure,
        i.kind,
        i.rooftop,
        i.owner_department AS department,
        CASE WHEN $6 THEN i.rooftop ELSE '' END AS of_rooftop,
        CASE WHEN $7 THEN i.owner_department ELSE '' END AS of_department,
        CASE WHEN $8 THEN to_char(i.start_latest AT TIME ZONE coalesce(r.zone, 'UTC'), 'YYYY-MM-DD') ELSE '' END AS of_day,
        CASE WHEN $9 THEN date_part('hour', i.start_latest AT TIME ZONE coalesce(r.zone, 'UTC'))::integer ELSE -1 END AS of_hour,
        round(date_part('epoch', i.start_earliest) * 1000000)::bigint AS start_earliest,
        round(date_part('epoch', i.start_latest) * 1000000)::bigint AS start_latest,
        round(date_part('epoch', i.end_earliest) * 1000000)::bigint AS end_earliest,
        round(date_part('epoch', i.end_latest) * 1000000)::bigint AS end_latest
    FROM reporting.interval i
    LEFT JOIN reporting.rooftop r ON r.group_id = i.group_id AND r.rooftop = i.rooftop
    WHERE i.group_id = $1
        AND i.state = 2
        AND ($2::text[] IS NULL OR i.rooftop = ANY ($2))
        AND i.start_latest >= coalesce($3::timestamptz, '-infinity')
        AND i.start_latest < coalesce($4::timestamptz, 'infinity')
        AND ($5::text[] IS NULL OR i.measure = ANY ($5))
)
SELECT
    measure AS "measure!",
    kind AS "kind!",
    of_rooftop AS "of_rooftop!",
    of_department AS "of_department!",
    of_day AS "of_day!",
    of_hour AS "of_hour!",
    rooftop AS "rooftop!",
    department AS "department!",
    array_agg(start_earliest) AS "start_earliest!",
    array_agg(start_latest) AS "start_latest!",
    array_agg(end_earliest) AS "end_earliest!",
    array_agg(end_latest) AS "end_latest!"
FROM cut
GROUP BY measure, kind, of_rooftop, of_department, of_day, of_hour, rooftop, department
ORDER BY measure, kind, of_rooftop, of_department, of_day, of_hour, rooftop, department
