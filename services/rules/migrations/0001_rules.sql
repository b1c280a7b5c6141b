-- Schema of the rules service: its copy of what judging needs, the flags, the review queue and the flag log.

SELECT journal.create_log('rules', 'flag');
SELECT journal.create_consumer('rules');
SELECT platform.create_request_table('rules');

-- Rooftops as the deal log last told of them: zone, calendar, targets, definition.
CREATE TABLE rules.rooftop (
    group_id text NOT NULL,
    rooftop text NOT NULL,
    part smallint NOT NULL,
    -- Encoded throughline.tenant.v1.Rooftop.
    body bytea NOT NULL,
    -- Encoded throughline.tenant.v1.Calendar, each version once: what happened under an old one is read by it.
    calendars bytea[] NOT NULL,
    PRIMARY KEY (group_id, rooftop)
);
SELECT platform.protect('rules.rooftop');

-- Deals that may still change by time alone, that stand flagged or that wait for a department; others are forgotten.
CREATE TABLE rules.deal (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    deal_id text NOT NULL,
    -- Instant at which it was last judged; it is never judged at an earlier one.
    judged_at timestamptz NOT NULL,
    -- When something changes unless an event comes first. Alarms are made of this column and can be made anew.
    next_change timestamptz,
    -- Departments that have not accepted what they were offered.
    waits_for text[] NOT NULL,
    origin smallint NOT NULL,
    -- When the deal's last entry was recorded and in which trace: an alarm soon after it belongs to that trace.
    recorded_at timestamptz NOT NULL,
    traceparent text NOT NULL,
    tracestate text NOT NULL,
    -- Encoded throughline.deal.v1.Deal.
    body bytea NOT NULL,
    PRIMARY KEY (part, group_id, rooftop, deal_id)
);
-- Counts who else waits.
CREATE INDEX deal_waiting ON rules.deal (part, group_id, rooftop) WHERE waits_for <> '{}';
-- Finds deals whose alarm was lost.
CREATE INDEX deal_alarmed ON rules.deal (part) WHERE next_change IS NOT NULL;
SELECT platform.protect('rules.deal');

-- When to look at a deal again. Losing all rows loses nothing.
CREATE TABLE rules.alarm (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    deal_id text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (part, group_id, rooftop, deal_id)
);
CREATE INDEX alarm_due ON rules.alarm (part, at);
SELECT platform.protect('rules.alarm');

-- Flags as they now stand.
CREATE TABLE rules.flag (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    flag_id text NOT NULL,
    deal_id text NOT NULL,
    kind text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    -- As is known now, it never stood: hidden, but its revisions go on should it come back.
    retracted boolean NOT NULL,
    revision bigint NOT NULL,
    -- Encoded throughline.rule.v1.Flag.
    body bytea NOT NULL,
    PRIMARY KEY (part, group_id, flag_id)
);
-- All flags of a deal, whenever it is judged.
CREATE INDEX flag_of_deal ON rules.flag (part, group_id, rooftop, deal_id);
-- Pages, newest first.
CREATE INDEX flag_newest ON rules.flag (group_id, opened_at DESC, flag_id DESC) WHERE NOT retracted;
CREATE INDEX flag_standing ON rules.flag (group_id, opened_at DESC, flag_id DESC) WHERE NOT retracted AND closed_at IS NULL;
SELECT platform.protect('rules.flag');

-- What needs a person's judgement.
CREATE TABLE rules.review (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    review_id text NOT NULL,
    deal_id text NOT NULL,
    kind text NOT NULL,
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz,
    revision bigint NOT NULL,
    -- Encoded throughline.rule.v1.Review.
    body bytea NOT NULL,
    PRIMARY KEY (part, group_id, review_id)
);
CREATE INDEX review_of_deal ON rules.review (part, group_id, rooftop, deal_id);
-- Pages, oldest first.
CREATE INDEX review_oldest ON rules.review (group_id, opened_at, review_id);
CREATE INDEX review_open ON rules.review (group_id, opened_at, review_id) WHERE resolved_at IS NULL;
SELECT platform.protect('rules.review');
