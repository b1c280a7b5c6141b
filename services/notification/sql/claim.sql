-- Takes messages that are due, for a while of the database's own time, and answers with all that is needed to send them.
-- The transaction ends before anything is sent: no row is held over the network. One slow receiver, and one group with
-- many of them, take only their share of the senders.
WITH due AS (
    SELECT d.part, d.group_id, d.delivery_id, d.route_id, d.next_at
    FROM notification.delivery AS d
    WHERE d.state = 1 AND d.next_at <= $1 AND d.lease_until < now()
        AND d.route_id <> ALL ($2) AND d.group_id <> ALL ($3)
    ORDER BY d.next_at
    LIMIT 1000
),
ranked AS (
    SELECT due.part, due.group_id, due.delivery_id, due.next_at,
        row_number() OVER (PARTITION BY due.group_id, due.route_id ORDER BY due.next_at, due.delivery_id) AS of_route,
        row_number() OVER (PARTITION BY due.group_id ORDER BY due.next_at, due.delivery_id) AS of_group
    FROM due
),
wanted AS (
    SELECT ranked.part, ranked.group_id, ranked.delivery_id
    FROM ranked
    WHERE ranked.of_route <= $4 AND ranked.of_group <= $5
    ORDER BY ranked.next_at
    LIMIT $6
),
free AS (
    SELECT d.part, d.group_id, d.delivery_id
    FROM notification.delivery AS d
    INNER JOIN wanted USING (part, group_id, delivery_id)
    WHERE d.state = 1 AND d.lease_until < now()
    FOR UPDATE OF d SKIP LOCKED
),
claimed AS (
    UPDATE notification.delivery AS d
    SET lease = $7, lease_until = now() + make_interval(secs => $8)
    FROM free
    WHERE d.part = free.part AND d.group_id = free.group_id AND d.delivery_id = free.delivery_id
    RETURNING d.*
)
SELECT
    c.part AS "part!", c.group_id AS "group_id!", c.delivery_id AS "delivery_id!", c.route_id AS "route_id!",
    c.step_at AS "step_at!: Readable<jiff_sqlx::Timestamp>", c.attempts AS "attempts!", c.body AS "body!", c.traceparent AS "traceparent!",
    c.tracestate AS "tracestate!",
    r.route_id IS NOT NULL AS "routed!", r.disabled_at IS NOT NULL AS "disabled!", r.url AS "url?", s.secret AS "secret?",
    f.closed_at IS NOT NULL AS "closed!", coalesce(f.acknowledged, false) AS "acknowledged!",
    coalesce(f.retracted, false) AS "retracted!", f.history_recorded_at AS "history_recorded_at?"
FROM claimed AS c
LEFT JOIN notification.route AS r ON r.group_id = c.group_id AND r.route_id = c.route_id
LEFT JOIN notification.route_secret AS s ON s.group_id = c.group_id AND s.route_id = c.route_id
LEFT JOIN notification.flag AS f ON f.part = c.part AND f.group_id = c.group_id AND f.flag_id = c.flag_id;
