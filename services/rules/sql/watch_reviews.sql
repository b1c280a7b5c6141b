-- A page of the open reviews of some rooftops behind (rooftop, id), and how far the log goes that it holds: the last positions
-- behind those given, by part. One statement, so that both are of one instant; always at least one row.
SELECT
    seen.parts AS "parts!", seen.positions AS "positions!", page.rooftop AS "rooftop?", page.review_id AS "id?",
    page.body AS "body?"
FROM (
    SELECT coalesce(array_agg(moved.part), '{}') AS parts, coalesce(array_agg(moved.pos), '{}') AS positions
    FROM (
        SELECT l.part, max(l.pos) AS pos
        FROM unnest($6::smallint[], $7::bigint[]) AS given (part, pos)
        JOIN rules.flag_log l ON l.part = given.part AND l.pos > given.pos AND l.group_id = $1
        GROUP BY l.part
    ) moved
) seen
LEFT JOIN (
    SELECT v.rooftop, v.review_id, v.body
    FROM rules.review v
    WHERE v.group_id = $1
        AND v.rooftop = ANY ($2)
        AND v.resolved_at IS NULL
        AND (v.rooftop COLLATE "C", v.review_id COLLATE "C") > ($3, $4)
    ORDER BY v.rooftop COLLATE "C", v.review_id COLLATE "C"
    LIMIT $5
) page ON true
ORDER BY page.rooftop COLLATE "C", page.review_id COLLATE "C";
