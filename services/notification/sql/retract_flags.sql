-- As is known now, these never stood. Nobody was to be told of one that is not known here.
UPDATE notification.flag AS f
SET retracted = true, revision = given.revision, told_at = $2, undecided_at = NULL, content = NULL, traceparent = NULL,
    tracestate = NULL
FROM unnest($3::text[], $4::text[], $5::bigint[]) AS given (group_id, flag_id, revision)
WHERE f.part = $1 AND f.group_id = given.group_id AND f.flag_id = given.flag_id AND f.revision < given.revision;
