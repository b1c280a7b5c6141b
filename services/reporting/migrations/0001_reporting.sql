-- What reports are made of: intervals of deals as instants. No duration, day or hour is stored: they are computed when a
-- report is read, so that a rooftop's new zone or calendar rewrites no row.

SELECT journal.create_consumer('reporting');

-- Zone of a rooftop, as the deal log last told of it.
CREATE TABLE reporting.rooftop (
    group_id text NOT NULL,
    rooftop text NOT NULL,
    -- The check lets no zone in that this server's time zone files lack: better one parked entry than reports that fail.
    zone text NOT NULL CHECK ((timestamptz 'epoch' AT TIME ZONE zone) IS NOT NULL),
    PRIMARY KEY (group_id, rooftop)
);
SELECT platform.protect('reporting.rooftop');

-- Deals, counted. A retracted deal keeps its row, so that an older revision that comes late does not revive it.
CREATE TABLE reporting.deal (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    deal_id text NOT NULL,
    revision bigint NOT NULL,
    retracted boolean NOT NULL,
    subject text NOT NULL,
    -- Number of throughline.deal.v1.DealState.
    state smallint NOT NULL,
    opened_at timestamptz,
    rework integer NOT NULL,
    -- Names of its rows in reporting.interval: what the next revision no longer names is removed without a search.
    interval_keys jsonb NOT NULL,
    PRIMARY KEY (part, group_id, rooftop, deal_id)
) WITH (fillfactor = 70);
-- Pages of deals.
CREATE INDEX deal_page ON reporting.deal (group_id, rooftop, deal_id) WHERE NOT retracted;
-- Counts of a range of time.
CREATE INDEX deal_opened ON reporting.deal (group_id, opened_at) WHERE NOT retracted;
SELECT platform.protect('reporting.deal');

-- Stages, handoffs and cycles.
CREATE TABLE reporting.interval (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    deal_id text NOT NULL,
    -- Number of throughline.report.v1.MeasureKind: 1 cycle, 2 stage, 3 handoff.
    kind smallint NOT NULL,
    interval_id text NOT NULL,
    revision bigint NOT NULL,
    measure text NOT NULL,
    department text NOT NULL,
    round integer NOT NULL,
    -- 1 open, 2 ended, 3 not observed, 4 void.
    standing smallint NOT NULL,
    started_earliest timestamptz NOT NULL,
    -- An interval counts as begun at the latest instant at which it can have, as events are ordered by theirs.
    started_latest timestamptz NOT NULL,
    ended_earliest timestamptz,
    ended_latest timestamptz,
    CHECK (standing <> 2 OR (ended_earliest IS NOT NULL AND ended_latest IS NOT NULL)),
    PRIMARY KEY (part, group_id, rooftop, deal_id, kind, interval_id)
) WITH (fillfactor = 85);
-- Ranges of time. Neither index holds what changes when an interval ends, so that such updates stay on their page.
CREATE INDEX interval_started ON reporting.interval (group_id, started_latest);
SELECT platform.protect('reporting.interval');
