-- Intervals that are new or changed.
INSERT INTO reporting.interval AS i (
    part, group_id, rooftop, deal_id, interval_id, kind, name, owner_department, offered_by_department, instance, round,
    state, start_earliest, start_latest, end_earliest, end_latest, revision
)
SELECT $1::smallint, given.*
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::integer[], $12::smallint[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
    $17::bigint[]
) AS given
ON CONFLICT (part, group_id, rooftop, deal_id, interval_id) DO UPDATE SET
    kind = excluded.kind,
    name = excluded.name,
    owner_department = excluded.owner_department,
    offered_by_department = excluded.offered_by_department,
    instance = excluded.instance,
    round = excluded.round,
    state = excluded.state,
    start_earliest = excluded.start_earliest,
    start_latest = excluded.start_latest,
    end_earliest = excluded.end_earliest,
    end_latest = excluded.end_latest,
    revision = excluded.revision
