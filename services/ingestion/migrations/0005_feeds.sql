-- By what a rooftop's feeds are judged: an encoded Rooftop with its zone, calendar and feeds alone, so that a process can remember
-- it of all rooftops. Null: not changed since this column came, and then the body says it.
alter table directory.rooftop add column watch bytea;

alter table ingestion.feed
  -- What is learnt of it, as JSON (throughline_process::Feed); of constant size.
  add column state       text        not null default '{}',
  -- How often something is to be expected, and from when on it is stale if nothing comes: as of the last news of it or of its
  -- rooftop. No index: updates stay HOT.
  add column expected_ms bigint,
  add column stale_at    timestamptz,
  -- When the log last told of it: what comes again is told there now and then, by an event feed.polled.
  add column told_at     timestamptz;
