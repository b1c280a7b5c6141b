-- Deals that are kept, each with its alarm: none if nothing changes by time alone.
WITH given AS (
    SELECT * FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::smallint[],
        $9::timestamptz[], $10::text[], $11::text[], $12::bytea[], $13::boolean[], $14::boolean[]
    ) AS given (
        group_id, rooftop, deal_id, judged_at, next_change, waits_for, origin, recorded_at, traceparent, tracestate, body,
        unconfirmed, on_floor
    )
), kept AS (
    INSERT INTO rules.deal AS d (
        part, group_id, rooftop, deal_id, judged_at, next_change, waits_for, origin, recorded_at, traceparent,
        tracestate, body, unconfirmed, on_floor
    )
    SELECT
        -- Departments come joined by commas, because arrays of arrays must not be ragged.
        $1, group_id, rooftop, deal_id, judged_at, next_change, string_to_array(waits_for, ','), origin, recorded_at,
        traceparent, tracestate, body, unconfirmed, on_floor
    FROM given
    ON CONFLICT (part, group_id, rooftop, deal_id) DO UPDATE SET
        judged_at = EXCLUDED.judged_at,
        next_change = EXCLUDED.next_change,
        waits_for = EXCLUDED.waits_for,
        origin = EXCLUDED.origin,
        recorded_at = EXCLUDED.recorded_at,
        traceparent = EXCLUDED.traceparent,
        tracestate = EXCLUDED.tracestate,
        body = EXCLUDED.body,
        unconfirmed = EXCLUDED.unconfirmed,
        on_floor = EXCLUDED.on_floor
), silenced AS (
    DELETE FROM rules.alarm a USING given
    WHERE given.next_change IS NULL
        AND a.part = $1
        AND a.group_id = given.group_id
        AND a.rooftop = given.rooftop
        AND a.subject = given.deal_id
)
INSERT INTO rules.alarm AS a (part, group_id, rooftop, subject, at)
SELECT $1, group_id, rooftop, deal_id, next_change FROM given WHERE next_change IS NOT NULL
ON CONFLICT (part, group_id, rooftop, subject) DO UPDATE SET at = EXCLUDED.at WHERE a.at <> EXCLUDED.at;
