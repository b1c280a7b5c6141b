-- Appends assign `recorded_at` under the head's lock, so that "complete until T" can be derived from the log itself
-- (docs/adr/0015). A log has a promise: no append that takes its lock later records before it.

-- One row per log that has no upstream; a log with an upstream has the watermarks of its consumer instead, one per part.
create table journal.promise (
  -- `schema.log`
  log    text        primary key,
  -- How often the clock of the log was found to have stepped back: instants are compared within a step. The steps of what
  -- lies upstream come on top.
  step   bigint      not null default 0,
  -- Every append that reads this row records at this instant or later.
  until  timestamptz not null default '-infinity'
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
select platform.internal('journal.promise');

-- What an append to a log without an upstream may not record before. A volatile plpgsql function takes a snapshot of its own
-- under READ COMMITTED: whatever was committed before its call is seen, also if the statement around it began before. Called
-- behind the locks of an append; `in_heads`, how many there are, only says that.
create function journal.promised(in_log text, in_heads bigint, out step bigint, out until timestamptz)
language plpgsql volatile as $$
begin
  -- A snapshot of the whole transaction would show an outdated promise.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'an append to % needs READ COMMITTED, not %', in_log, current_setting('transaction_isolation');
  end if;
  select p.step, p.until into step, until from journal.promise p where p.log = in_log;
end $$;
revoke all on function journal.promised(text, bigint) from public;
grant execute on function journal.promised(text, bigint) to throughline_worker, throughline_appender;

-- Gives a log its promise and the columns of its heads.
create function journal.add_promise(in_schema text, in_log text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  insert into journal.promise (log) values (in_schema || '.' || in_log) on conflict do nothing;
  -- Of the part's last entry: its `recorded_at` and the clock step in which it was recorded.
  execute format(
    'alter table %I.%I
       add column recorded_at timestamptz not null default ''-infinity'',
       add column step bigint not null default 0', in_schema, in_log || '_head');
end $$;
revoke all on function journal.add_promise(text, text) from public;

-- Logs that are made later have the same shape as those that are there.
alter function journal.create_log(text, text) rename to create_log_tables;
create function journal.create_log(in_schema text, in_log text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  perform journal.create_log_tables(in_schema, in_log);
  perform journal.add_promise(in_schema, in_log);
end $$;

alter function journal.create_consumer(text) rename to create_consumer_tables;
create function journal.create_consumer(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  perform journal.create_consumer_tables(in_schema);
  perform journal.add_watermark_promise(in_schema);
end $$;

-- `until` is compared within a clock step: what is said in a later step replaces what was said in an earlier one. The function
-- is `journal.promised` for logs that come of a consumer of the schema: what that completed of a part is their promise.
create function journal.add_watermark_promise(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format('alter table %I.watermark add column step bigint not null default 0', in_schema);
  execute format($function$
    create function %1$I.promised(
      in_log text, in_consumer text, in_part smallint, out step bigint, out until timestamptz
    ) language plpgsql volatile as $body$
    begin
      if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'an append to %% needs READ COMMITTED, not %%', in_log, current_setting('transaction_isolation');
      end if;
      select p.step + coalesce(w.step, 0), w.until
      into step, until
      from journal.promise p
      left join %1$I.watermark w on w.consumer = in_consumer and w.part = in_part
      where p.log = in_log;
    end $body$
  $function$, in_schema);
  execute format('revoke all on function %I.promised(text, text, smallint) from public', in_schema);
  execute format(
    'grant execute on function %I.promised(text, text, smallint) to throughline_worker, throughline_appender', in_schema);
end $$;
revoke all on function journal.add_watermark_promise(text) from public;

do $$
declare
  found record;
begin
  for found in
    select n.nspname as schema, left(c.relname, -length('_log')) as log
    from pg_partitioned_table p
    join pg_class c on c.oid = p.partrelid
    join pg_namespace n on n.oid = c.relnamespace
    where c.relname like '%\_log'
      and exists (
        select from pg_class h
        where h.relnamespace = n.oid and h.relname = left(c.relname, -length('_log')) || '_head'
      )
  loop
    perform journal.add_promise(found.schema, found.log);
    -- Entries that are there were recorded by a clock that nothing bounds: the heads begin where the last of them ends.
    -- As the worker: the policies of a log hide its rows from its owner.
    execute 'set local role throughline_worker';
    execute format(
      'update %1$I.%2$I h
       set recorded_at = coalesce(
         (select l.recorded_at from %1$I.%3$I l where l.part = h.part and l.pos = h.pos order by l.month desc limit 1),
         h.recorded_at)
       where h.pos > 0', found.schema, found.log || '_head', found.log || '_log');
    execute 'reset role';
  end loop;
  for found in
    select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = 'watermark' and c.relkind = 'r'
      and exists (select from pg_class k where k.relnamespace = n.oid and k.relname = 'cursor')
  loop
    perform journal.add_watermark_promise(found.schema);
  end loop;
end $$;

-- Disposal. After a clock step a part may have entries of an earlier month behind those of a later one: what is kept
-- begins behind the last entry that was dropped, so that no gap lies above `first_pos`.
create or replace function journal.drop_months_before(in_schema text, in_log text, in_month date) returns integer
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
    execute format('lock table %s in access exclusive mode', child.name);
    -- The owner sees no row through the policies of the log; the partition is about to go.
    execute format('alter table %s no force row level security', child.name);
    execute format(
      'update %1$s h set first_pos = greatest(h.first_pos, l.last + 1)
       from (select part, max(pos) as last from %2$s group by part) l where l.part = h.part', head, child.name);
    execute format('drop table %s', child.name);
    dropped := dropped + 1;
  end loop;
  return dropped;
end $$;
revoke all on function journal.drop_months_before(text, text, date) from public;
