-- A floor that was judged, with its alarm: none if nothing changes by time alone.
WITH judged AS (
    INSERT INTO rules.judged_floor (part, group_id, rooftop, judged_at, next_change) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (part, group_id, rooftop) DO UPDATE SET
        judged_at = EXCLUDED.judged_at,
        next_change = EXCLUDED.next_change
), silenced AS (
    DELETE FROM rules.alarm
    WHERE $5::timestamptz IS NULL AND part = $1 AND group_id = $2 AND rooftop = $3 AND subject = 'floor'
)
INSERT INTO rules.alarm (part, group_id, rooftop, subject, at)
SELECT $1, $2, $3, 'floor', $5 WHERE $5::timestamptz IS NOT NULL
ON CONFLICT (part, group_id, rooftop, subject) DO UPDATE SET at = EXCLUDED.at;
