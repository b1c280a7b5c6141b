-- Parts with a flag that was last changed before an instant and is not decided on.
SELECT part AS "part!"
FROM unnest($1::smallint[]) AS mine (part)
WHERE EXISTS (SELECT FROM notification.flag AS f WHERE f.part = mine.part AND f.undecided_at < $2);
