-- Parts that have an alarm at or before an instant.
SELECT part AS "part!"
FROM unnest($1::smallint[]) AS mine (part)
WHERE EXISTS (SELECT FROM rules.alarm a WHERE a.part = mine.part AND a.at <= $2);
