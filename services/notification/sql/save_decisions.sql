-- Messages to be sent at once. What was decided before stays as it is, unless nobody was told yet and its flag goes on under
-- another id, or stands again after all: then the message is about the flag that stands. The ids of those that were not decided
-- before are answered.
WITH saved AS (
    INSERT INTO notification.delivery AS d (
        part, group_id, delivery_id, route_id, rooftop, flag_id, step, step_at, state, decided_at, next_at, body, traceparent,
        tracestate
    )
    -- The last that was said of each.
    SELECT DISTINCT ON (given.group_id, given.delivery_id) $1, given.group_id, given.delivery_id, given.route_id,
        given.rooftop, given.flag_id, given.step, given.step_at, 1, $2, $2, given.body, given.traceparent, given.tracestate
    FROM unnest(
        $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::timestamptz[], $10::text[],
        $11::text[], $12::text[]
    ) WITH ORDINALITY AS given (
        group_id, delivery_id, route_id, rooftop, flag_id, step, step_at, body, traceparent, tracestate, place
    )
    ORDER BY given.group_id, given.delivery_id, given.place DESC
    ON CONFLICT (part, group_id, delivery_id) DO UPDATE
    SET flag_id = excluded.flag_id, step_at = excluded.step_at, body = excluded.body, state = 1, ended_at = NULL,
        last_result = '', next_at = greatest(d.next_at, excluded.next_at), lease = NULL, lease_until = '-infinity'
    WHERE (d.state = 1 AND d.flag_id <> excluded.flag_id) OR (d.state = 4 AND d.last_result IN ('retracted', 'closed'))
    -- Only what was there before is locked by this very transaction.
    RETURNING d.delivery_id, d.xmax = 0 AS fresh
)
SELECT saved.delivery_id AS "delivery_id!" FROM saved WHERE saved.fresh;
