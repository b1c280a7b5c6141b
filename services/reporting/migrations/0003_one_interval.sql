-- Intervals in the one shape that all services give them. What is here is gone: deal-state folds every deal anew after the
-- upgrade and says each in its log, which fills the tables again.
TRUNCATE reporting.deal;
ALTER TABLE reporting.deal DROP COLUMN interval_keys;
-- IDs of its rows in reporting.interval: what the next revision no longer has is removed without a search.
ALTER TABLE reporting.deal ADD COLUMN interval_ids text[] NOT NULL;

DROP TABLE reporting.interval;
CREATE TABLE reporting.interval (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    deal_id text NOT NULL,
    interval_id text NOT NULL,
    -- Number of throughline.deal.v1.IntervalKind: 1 stage, 2 handoff, 3 cycle.
    kind smallint NOT NULL,
    name text NOT NULL,
    measure text NOT NULL GENERATED ALWAYS AS (
        CASE kind WHEN 1 THEN 'stage.' WHEN 2 THEN 'handoff.' WHEN 3 THEN 'cycle.' ELSE kind::text || '.' END || name
    ) STORED,
    owner_department text NOT NULL,
    -- Empty unless it is a handoff.
    offered_by_department text NOT NULL,
    -- Empty where only one runs at a time.
    instance text NOT NULL,
    round integer NOT NULL,
    -- Number of throughline.deal.v1.IntervalState: 1 open, 2 ended, 3 not observed, 4 void.
    state smallint NOT NULL,
    start_earliest timestamptz NOT NULL,
    -- An interval counts as begun at the latest instant at which it can have, as events are ordered by theirs.
    start_latest timestamptz NOT NULL,
    end_earliest timestamptz,
    end_latest timestamptz,
    revision bigint NOT NULL,
    CHECK (state <> 2 OR (end_earliest IS NOT NULL AND end_latest IS NOT NULL)),
    PRIMARY KEY (part, group_id, rooftop, deal_id, interval_id)
) WITH (fillfactor = 85);
-- Ranges of time. Neither index holds what changes when an interval ends, so that such updates stay on their page.
CREATE INDEX interval_started ON reporting.interval (group_id, start_latest);
SELECT platform.protect('reporting.interval');
