-- What was dropped at the watched folder: which contents came, and how far each is read. Neither a name of a file nor anything that
-- stands in one is kept.

create table ingestion.dropped_file (
  group_id     text        not null,
  rooftop      text        not null,
  profile      text        not null,
  -- BLAKE3 of the file as it was dropped.
  content      bytea       not null,
  -- The import that reads it, or read it last.
  import_id    uuid,
  -- 1 open, 2 done, 3 failed
  state        smallint    not null default 1,
  -- Why it failed.
  why          text        not null default '',
  -- Which process reads it, and until when it is believed to, by the injected clock; null when it has left.
  owner        uuid,
  leased_until timestamptz,
  -- Raised by each taker: one with a lower epoch saves nothing any more.
  epoch        bigint      not null default 0,
  -- Rows that need not be read again: saved with the counts of the import and what is remembered of the table.
  rows_done    bigint      not null default 0,
  changed_at   timestamptz not null,
  primary key (group_id, rooftop, profile, content)
);
create index dropped_file_by_age on ingestion.dropped_file (changed_at);
select platform.protect('ingestion.dropped_file');
