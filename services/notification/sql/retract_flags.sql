-- As is known now, these never stood. One that is not known here was never live.
UPDATE notification.flag AS f
SET retracted = true, revision = given.revision, told_at = $2
FROM unnest($3::text[], $4::text[], $5::bigint[]) AS given (group_id, flag_id, revision)
WHERE f.part = $1 AND f.group_id = given.group_id AND f.flag_id = given.flag_id AND f.revision < given.revision;
