-- A page of the standing flags of some rooftops behind (rooftop, id), and how far the log goes that it holds: the last positions
-- behind those given, by part. One statement, so that both are of one instant; always at least one row.
SELECT
    seen.parts AS "parts!", seen.positions AS "positions!", page.rooftop AS "rooftop?", page.flag_id AS "id?",
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
    SELECT f.rooftop, f.flag_id, f.body
    FROM rules.flag f
    WHERE f.group_id = $1
        AND f.rooftop = ANY ($2)
        AND NOT f.retracted AND f.closed_at IS NULL
        AND (f.rooftop COLLATE "C", f.flag_id COLLATE "C") > ($3, $4)
    ORDER BY f.rooftop COLLATE "C", f.flag_id COLLATE "C"
    LIMIT $5
) page ON true
ORDER BY page.rooftop COLLATE "C", page.flag_id COLLATE "C";
