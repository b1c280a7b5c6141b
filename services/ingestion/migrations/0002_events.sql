-- The event log and what stands around it.
select journal.create_log('ingestion', 'event');
select platform.create_request_table('ingestion');

-- Which event ids were used, and for what: both are halves of BLAKE3 hashes, so a row is small and says nothing of a deal.
create table ingestion.event_key (
  part     smallint not null check (part between 0 and 255),
  -- of (group, rooftop, source, id)
  key      uuid     not null,
  -- of the canonical event, without how and when it came
  content  uuid     not null,
  group_id text     not null,
  primary key (part, key)
);
select platform.protect('ingestion.event_key');

-- When each source of a rooftop was last heard of. Room on the page keeps the updates HOT.
create table ingestion.feed (
  group_id         text        not null,
  rooftop          text        not null,
  source           text        not null,
  accepted         bigint      not null,
  duplicates       bigint      not null,
  last_recorded_at timestamptz,
  last_occurred_at timestamptz,
  -- recorded_at minus occurred_at of its last live event
  lag_ms           bigint,
  primary key (group_id, rooftop, source)
) with (fillfactor = 50);
select platform.protect('ingestion.feed');

-- What was kept apart and why. The event holds only what passed the edge.
create table ingestion.quarantine (
  group_id     text        not null,
  -- The same mistake sent again is the same row.
  id           uuid        not null,
  rooftop      text        not null,
  source       text        not null,
  event_id     text        not null,
  event_type   text        not null,
  -- throughline.error.v1.Reason
  reason       smallint    not null,
  message      text        not null,
  -- An encoded throughline.event.v1.Event, perhaps incomplete.
  event        bytea       not null,
  times        bigint      not null default 1,
  created_at   timestamptz not null,
  last_seen_at timestamptz not null,
  released_at  timestamptz,
  primary key (group_id, id)
);
create index quarantine_by_age on ingestion.quarantine (group_id, created_at, id);
create index quarantine_open on ingestion.quarantine (group_id, created_at, id) where released_at is null;
create index quarantine_unseen on ingestion.quarantine (last_seen_at);
create index quarantine_done on ingestion.quarantine (released_at) where released_at is not null;
select platform.protect('ingestion.quarantine');

-- How many rows of quarantine a group has: what bounds them.
create table ingestion.quarantine_size (
  group_id text   primary key,
  kept     bigint not null
);
select platform.protect('ingestion.quarantine_size');
