-- Appends that assign `recorded_at` under the head's lock, so that "complete until T" can be derived from the log itself
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

-- Gives a log its promise, the columns of its heads, and its append function.
create function journal.create_append(in_schema text, in_log text) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  log     text := format('%I.%I', in_schema, in_log || '_log');
  head    text := format('%I.%I', in_schema, in_log || '_head');
  append  text := format('%I.%I', in_schema, in_log || '_append');
  mark    text := format('%I.watermark', in_schema);
begin
  insert into journal.promise (log) values (in_schema || '.' || in_log) on conflict do nothing;
  -- Of the part's last entry: its `recorded_at` and the clock step in which it was recorded.
  execute format(
    'alter table %s add column recorded_at timestamptz not null default ''-infinity'', add column step bigint not null default 0',
    head);

  -- Volatile: under READ COMMITTED each inner statement takes a snapshot of its own.
  execute format($function$
    create function %5$s(
      in_parts smallint[], in_counts bigint[], in_clock timestamptz, in_month date, in_upstream text,
      in_part smallint[], in_nth bigint[], in_group text[], in_rooftop text[], in_entity text[], in_origin smallint[],
      in_actor text[], in_traceparent text[], in_tracestate text[], in_body bytea[],
      out part smallint, out before bigint, out recorded_at timestamptz
    ) returns setof record
    language plpgsql volatile as $body$
    #variable_conflict use_column
    declare
      v_parts  smallint[];
      v_before bigint[];
      v_times  timestamptz[];
      v_first  timestamptz;
      v_last   timestamptz;
      v_month  date;
    begin
      -- A snapshot of the whole transaction would show an outdated promise.
      if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'an append to %3$s needs READ COMMITTED, not %%', current_setting('transaction_isolation');
      end if;

      -- 1. Shows until the end of the transaction that appends to these parts are in flight. Shared: waits for nobody.
      perform pg_advisory_xact_lock_shared(%4$L::regclass::oid::integer, wanted.part)
      from unnest(in_parts) as wanted(part);

      -- 2. The heads in ascending order, as every append takes them.
      perform from %4$s h where h.part = any(in_parts) order by h.part for update;

      -- 3. With a snapshot taken now: what was promised before the lock of step 1 was taken is seen here.
      if in_upstream is null then
        with moved as (
          update %4$s h
          set pos = h.pos + wanted.entries,
              step = promise.step,
              recorded_at = greatest(
                in_clock, promise.until, case when h.step = promise.step then h.recorded_at end
              )
          from unnest(in_parts, in_counts) as wanted(part, entries),
               (select p.step, p.until from journal.promise p where p.log = %6$L) as promise
          where h.part = wanted.part
          returning h.part, h.pos - wanted.entries as before, h.recorded_at
        )
        select array_agg(m.part), array_agg(m.before), array_agg(m.recorded_at), min(m.recorded_at), max(m.recorded_at)
        into v_parts, v_before, v_times, v_first, v_last
        from moved m;
      else
        with moved as (
          update %4$s h
          set pos = h.pos + wanted.entries,
              step = promise.step + coalesce(w.step, 0),
              recorded_at = greatest(
                in_clock, w.until, case when h.step = promise.step + coalesce(w.step, 0) then h.recorded_at end
              )
          from unnest(in_parts, in_counts) as wanted(part, entries)
          cross join (select p.step from journal.promise p where p.log = %6$L) as promise
          left join %7$s w on w.consumer = in_upstream and w.part = wanted.part
          where h.part = wanted.part
          returning h.part, h.pos - wanted.entries as before, h.recorded_at
        )
        select array_agg(m.part), array_agg(m.before), array_agg(m.recorded_at), min(m.recorded_at), max(m.recorded_at)
        into v_parts, v_before, v_times, v_first, v_last
        from moved m;
      end if;

      -- The caller has made the month of its own clock; what was promised may lie in another one.
      if v_first < in_month::timestamp at time zone 'UTC' or v_last >= (in_month + interval '1 month') at time zone 'UTC' then
        for v_month in
          select distinct date_trunc('month', at at time zone 'UTC')::date from unnest(v_times) as times(at)
        loop
          perform journal.ensure_month(%1$L, %2$L, v_month);
        end loop;
      end if;

      insert into %3$s
        (part, pos, month, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
      select entry.part, head.before + entry.nth, date_trunc('month', head.recorded_at at time zone 'UTC')::date,
             head.recorded_at, entry.group_id, entry.rooftop, entry.entity, entry.origin, entry.actor,
             entry.traceparent, entry.tracestate, entry.body
      from unnest(in_part, in_nth, in_group, in_rooftop, in_entity, in_origin, in_actor, in_traceparent, in_tracestate,
                  in_body)
        as entry(part, nth, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
      join unnest(v_parts, v_before, v_times) as head(part, before, recorded_at) using (part);

      return query select * from unnest(v_parts, v_before, v_times);
    end $body$
  $function$, in_schema, in_log, log, head, append, in_schema || '.' || in_log, mark);
  execute format('revoke all on function %s from public', append);
  execute format('grant execute on function %s to throughline_worker, throughline_appender', append);
end $$;
revoke all on function journal.create_append(text, text) from public;

-- Logs that are made later have the same shape as those that are there.
alter function journal.create_log(text, text) rename to create_log_tables;
create function journal.create_log(in_schema text, in_log text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  perform journal.create_log_tables(in_schema, in_log);
  perform journal.create_append(in_schema, in_log);
end $$;

alter function journal.create_consumer(text) rename to create_consumer_tables;
create function journal.create_consumer(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  perform journal.create_consumer_tables(in_schema);
  perform journal.add_watermark_step(in_schema);
end $$;

-- `until` is compared within a clock step: what is said in a later step replaces what was said in an earlier one.
create function journal.add_watermark_step(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format('alter table %I.watermark add column step bigint not null default 0', in_schema);
end $$;
revoke all on function journal.add_watermark_step(text) from public;

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
    perform journal.create_append(found.schema, found.log);
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
    perform journal.add_watermark_step(found.schema);
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
