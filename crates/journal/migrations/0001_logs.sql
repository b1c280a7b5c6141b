-- The log of a service: a table by month and the head of each of its 256 parts. Services call these functions from their
-- own migrations, so that every log has one shape.

create function journal.create_log(in_schema text, in_log text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  -- part first: a table that grows with events can be spread over servers by it. The month is in the key because
  -- Postgres wants the partition key there; uniqueness of (part, pos) comes from the head.
  execute format(
    'create table %I.%I (
       part        smallint    not null check (part between 0 and 255),
       pos         bigint      not null check (pos > 0),
       month       date        not null,
       recorded_at timestamptz not null,
       group_id    text        not null,
       rooftop     text        not null,
       entity      text        not null,
       origin      smallint    not null,
       actor       text        not null,
       traceparent text        not null,
       tracestate  text        not null,
       body        bytea       not null,
       primary key (part, pos, month)
     ) partition by range (month)', in_schema, in_log || '_log');
  perform platform.protect(format('%I.%I', in_schema, in_log || '_log')::regclass);

  -- One row a part, updated by every commit: room on the page keeps the updates HOT.
  execute format(
    'create table %I.%I (
       part      smallint primary key check (part between 0 and 255),
       pos       bigint not null default 0,
       first_pos bigint not null default 1
     ) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)',
    in_schema, in_log || '_head');
  execute format('insert into %I.%I (part) select generate_series(0, 255)', in_schema, in_log || '_head');
  perform platform.internal(format('%I.%I', in_schema, in_log || '_head')::regclass);
end $$;

-- Makes the partition of a month unless it is there. The owner's right, because services may not create tables;
-- LIKE and ATTACH instead of PARTITION OF, because the latter locks out every reader and writer of the log.
create function journal.ensure_month(in_schema text, in_log text, in_month date) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  first_day date := date_trunc('month', in_month::timestamp)::date;
  parent    text := format('%I.%I', in_schema, in_log || '_log');
  child     text := format('%I.%I', in_schema, in_log || '_log_' || to_char(first_day, 'YYYY_MM'));
begin
  if to_regclass(child) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('journal month ' || parent, 0));
  -- Not to_regclass again: it would answer from a cache that does not hear of whoever held the lock before.
  if exists (
    select from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = in_schema and c.relname = in_log || '_log_' || to_char(first_day, 'YYYY_MM')
  ) then
    return;
  end if;
  if not exists (
    select from pg_partitioned_table p
    join pg_class c on c.oid = p.partrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = in_schema and c.relname = in_log || '_log'
      and exists (select from pg_class h where h.relnamespace = n.oid and h.relname = in_log || '_head')
  ) then
    raise exception 'journal: % is not a log', parent;
  end if;
  execute format('create table %s (like %s including all)', child, parent);
  -- Nobody reaches a partition but through its log, where the policies are.
  execute format('alter table %s enable row level security', child);
  execute format('alter table %s force row level security', child);
  execute format('revoke all on %s from public', child);
  execute format('alter table %s attach partition %s for values from (%L) to (%L)',
                 parent, child, first_day, (first_day + interval '1 month')::date);
end $$;
revoke all on function journal.ensure_month(text, text, date) from public;
grant usage on schema journal to throughline_worker, throughline_appender;
grant execute on function journal.ensure_month(text, text, date) to throughline_worker, throughline_appender;

-- Disposal: drops whole months and moves `first_pos`, below which a follower is told to start from a snapshot.
-- For the migrator alone; returns how many months went.
create function journal.drop_months_before(in_schema text, in_log text, in_month date) returns integer
language plpgsql set search_path = pg_catalog as $$
declare
  first_day date := date_trunc('month', in_month::timestamp)::date;
  parent    text := format('%I.%I', in_schema, in_log || '_log');
  head      text := format('%I.%I', in_schema, in_log || '_head');
  child     record;
  dropped   integer := 0;
begin
  -- Heads first and in order, as every append takes them.
  execute format('select part from %s order by part for update', head);
  for child in
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_namespace n on n.oid = c.relnamespace
    where i.inhparent = parent::regclass
      and c.relname < in_log || '_log_' || to_char(first_day, 'YYYY_MM')
    order by c.relname
  loop
    execute format('drop table %s', child.name);
    dropped := dropped + 1;
  end loop;
  execute format(
    'update %1$s h set first_pos = coalesce((select min(l.pos) from %2$s l where l.part = h.part), h.pos + 1)', head, parent);
  return dropped;
end $$;
revoke all on function journal.drop_months_before(text, text, date) from public;
