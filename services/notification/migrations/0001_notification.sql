-- Schema of the notification service: routes, what it knows of live flags, and one decision per flag, step and route.

SELECT journal.create_consumer('notification');
SELECT platform.create_request_table('notification');

-- Which flags go where.
CREATE TABLE notification.route (
    group_id text NOT NULL,
    route_id text NOT NULL,
    -- Empty: all.
    rooftops text[] NOT NULL,
    -- Empty: all.
    measures text[] NOT NULL,
    -- 1 yellow, 2 red.
    min_severity smallint NOT NULL CHECK (min_severity IN (1, 2)),
    -- Of a webhook; absent for the log.
    url text,
    created_at timestamptz NOT NULL,
    -- The receiver answered 410 Gone.
    disabled_at timestamptz,
    PRIMARY KEY (group_id, route_id)
);
-- Pages, by creation.
CREATE INDEX route_created ON notification.route (group_id, created_at, route_id);
SELECT platform.protect('notification.route');

-- What webhooks are signed with. No call from outside reads it: the answer that shows it once comes from our own work.
CREATE TABLE notification.route_secret (
    group_id text NOT NULL,
    route_id text NOT NULL,
    secret bytea NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    PRIMARY KEY (group_id, route_id),
    FOREIGN KEY (group_id, route_id) REFERENCES notification.route ON DELETE CASCADE
);
SELECT platform.internal('notification.route_secret');

-- Live flags as the flag log last told of them: whether a message about one is still fresh.
CREATE TABLE notification.flag (
    part smallint NOT NULL,
    group_id text NOT NULL,
    flag_id text NOT NULL,
    severity smallint NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    acknowledged boolean NOT NULL,
    -- As is known now, it never stood.
    retracted boolean NOT NULL,
    revision bigint NOT NULL,
    -- When it was last told of: flags that are over are forgotten some time after.
    told_at timestamptz NOT NULL,
    PRIMARY KEY (part, group_id, flag_id)
);
CREATE INDEX flag_over ON notification.flag (told_at) WHERE closed_at IS NOT NULL OR retracted;
SELECT platform.protect('notification.flag');

-- One decision per (flag, step, route): the id derives from them, so that deciding twice does nothing.
CREATE TABLE notification.delivery (
    part smallint NOT NULL,
    group_id text NOT NULL,
    delivery_id uuid NOT NULL,
    route_id text NOT NULL,
    rooftop text NOT NULL,
    flag_id text NOT NULL,
    -- 1 yellow, 2 red.
    step smallint NOT NULL CHECK (step IN (1, 2)),
    -- When the flag reached the step.
    step_at timestamptz NOT NULL,
    -- As on the wire: 1 pending, 2 delivered, 3 failed, 4 suppressed.
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
    attempts integer NOT NULL DEFAULT 0,
    last_result text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- When to send, on the injected clock.
    next_at timestamptz NOT NULL,
    -- Who is sending it, and until when nobody else does, in the database's own time.
    lease uuid,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    -- The message, the same over all tries.
    body text NOT NULL CHECK (octet_length(body) < 20000),
    traceparent text NOT NULL,
    tracestate text NOT NULL,
    PRIMARY KEY (part, group_id, delivery_id)
);
CREATE INDEX delivery_due ON notification.delivery (next_at) WHERE state = 1;
CREATE INDEX delivery_waiting ON notification.delivery (group_id, route_id) WHERE state = 1;
-- Pages, newest first.
CREATE INDEX delivery_newest ON notification.delivery (group_id, decided_at DESC, delivery_id DESC);
CREATE INDEX delivery_of_flag ON notification.delivery (group_id, flag_id);
CREATE INDEX delivery_ended ON notification.delivery (ended_at) WHERE ended_at IS NOT NULL;
SELECT platform.protect('notification.delivery');
