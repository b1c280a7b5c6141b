-- Imports of vendors' files: operations that outlive a call, and what is remembered of polled tables from one to the next. Neither
-- a file, its name nor a row of it is ever kept.

create table ingestion.import (
  group_id     text        not null,
  id           uuid        not null,
  rooftop      text        not null,
  -- Name and version of the profile, and its text: an import is read to its end by what it was begun with.
  profile      text        not null,
  version      bigint      not null,
  definition   text        not null,
  -- Staff id on whose behalf it was begun.
  actor        text        not null,
  -- 1 open, 2 succeeded, 3 failed, 4 cancelled
  state        smallint    not null default 1,
  -- Raised by each upload: one with a lower epoch saves nothing any more.
  epoch        bigint      not null default 0,
  -- Until when the uploader is believed to be there, by the clock of the database; null when it has left.
  alive_until  timestamptz,
  current_file bigint      not null default 0,
  -- An encoded throughline.ingestion.v1.ImportCounts: what is durable.
  counts       bytea       not null,
  -- An encoded google.rpc.Status: why it failed.
  error        bytea,
  created_at   timestamptz not null,
  changed_at   timestamptz not null,
  ended_at     timestamptz,
  primary key (group_id, id)
);
create index import_by_age on ingestion.import (group_id, created_at, id);
create index import_open on ingestion.import (changed_at) where ended_at is null;
create index import_ended on ingestion.import (ended_at) where ended_at is not null;
select platform.protect('ingestion.import');

-- A table of a vendor's that is polled.
create table ingestion.polled_table (
  group_id  text     not null,
  -- of (group, rooftop, source, profile): half a BLAKE3 hash
  id        uuid     not null,
  part      smallint not null check (part between 0 and 255),
  rooftop   text     not null,
  source    text     not null,
  profile   text     not null,
  -- The last two polls that its rows have shown.
  before_at timestamptz,
  last_at   timestamptz,
  -- What the bits of polled_row.given stand for, in order: types of events.
  types     text[]   not null default '{}',
  -- The upload that reads it, or read it last.
  import_id uuid     not null,
  epoch     bigint   not null,
  primary key (group_id, id)
);
select platform.protect('ingestion.polled_table');

-- Which events the rows of a polled table have given: a bounded number a table.
create table ingestion.polled_row (
  part     smallint not null check (part between 0 and 255),
  table_id uuid     not null,
  -- of what tells it from the others: half a BLAKE3 hash
  row      uuid     not null,
  -- a bit for each type
  given    bigint   not null,
  -- Counts what was seen of the table: the larger, the later.
  seen     bigint   not null,
  group_id text     not null,
  primary key (part, table_id, row)
) with (fillfactor = 70);
select platform.protect('ingestion.polled_row');
