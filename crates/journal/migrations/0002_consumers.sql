-- What a service needs to follow logs: cursors that are leases, members that share them, watermarks and parked entries.

create function journal.create_consumer(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  -- The cursor row is the lease: (consumer, part, owner, epoch, pos). Lease times are the database's own, real time.
  execute format(
    'create table %I.cursor (
       consumer    text        not null,
       part        smallint    not null check (part between 0 and 255),
       owner       text        not null default '''',
       epoch       bigint      not null default 0,
       pos         bigint      not null default 0,
       lease_until timestamptz not null default ''-infinity'',
       stopped_why text,
       primary key (consumer, part)
     ) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)', in_schema);
  perform platform.internal(format('%I.cursor', in_schema)::regclass);

  execute format(
    'create table %I.member (
       consumer   text        not null,
       owner      text        not null,
       seen_until timestamptz not null,
       primary key (consumer, owner)
     )', in_schema);
  perform platform.internal(format('%I.member', in_schema)::regclass);

  -- Everything recorded upstream before `until` (on the injected clock) has had its effects committed here.
  execute format(
    'create table %I.watermark (
       consumer text        not null,
       part     smallint    not null check (part between 0 and 255),
       until    timestamptz not null,
       primary key (consumer, part)
     ) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)', in_schema);
  perform platform.internal(format('%I.watermark', in_schema)::regclass);

  execute format(
    'create table %I.parked (
       consumer  text        not null,
       part      smallint    not null check (part between 0 and 255),
       pos       bigint      not null,
       group_id  text        not null,
       rooftop   text        not null,
       entity    text        not null,
       entry     bytea       not null,
       error     text        not null,
       tries     integer     not null,
       parked_at timestamptz not null,
       retry_at  timestamptz,
       primary key (consumer, part, pos)
     )', in_schema);
  execute format('create index on %I.parked (consumer, part, group_id, rooftop, entity)', in_schema);
  perform platform.protect(format('%I.parked', in_schema)::regclass);
end $$;
