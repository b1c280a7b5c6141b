-- Intervals that are new or changed.
INSERT INTO reporting.interval AS i (
    part, group_id, rooftop, deal_id, kind, interval_id, revision, measure, department, round, standing,
    started_earliest, started_latest, ended_earliest, ended_latest
)
SELECT $1::smallint, given.*
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::bigint[], $8::text[], $9::text[],
    $10::integer[], $11::smallint[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[]
) AS given
ON CONFLICT (part, group_id, rooftop, deal_id, kind, interval_id) DO UPDATE SET
    revision = excluded.revision,
    measure = excluded.measure,
    department = excluded.department,
    round = excluded.round,
    standing = excluded.standing,
    started_earliest = excluded.started_earliest,
    started_latest = excluded.started_latest,
    ended_earliest = excluded.ended_earliest,
    ended_latest = excluded.ended_latest
