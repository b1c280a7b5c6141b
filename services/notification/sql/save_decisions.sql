-- Messages to be sent at once. What was decided before stays as it is; the ids of the others are answered.
INSERT INTO notification.delivery (
    part, group_id, delivery_id, route_id, rooftop, flag_id, step, step_at, state, decided_at, next_at, body, traceparent,
    tracestate
)
SELECT $1, given.group_id, given.delivery_id, given.route_id, given.rooftop, given.flag_id, given.step, given.step_at, 1,
    $2, $2, given.body, given.traceparent, given.tracestate
FROM unnest(
    $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::timestamptz[], $10::text[],
    $11::text[], $12::text[]
) AS given (group_id, delivery_id, route_id, rooftop, flag_id, step, step_at, body, traceparent, tracestate)
ON CONFLICT (part, group_id, delivery_id) DO NOTHING
RETURNING delivery_id;
