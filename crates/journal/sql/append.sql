-- Appends entries of any parts, in one statement, the last before commit: positions are gapless and in commit order, and no
-- head is held longer than it takes to commit. The proof of completeness (claim.rs) rests on the order of four steps, each of
-- which needs what the one before answers:
-- 1. A shared advisory lock per part, until the end of the transaction: it shows that an append is in flight, and waits for
--    nobody. As a condition of its row it is taken before the row is locked.
-- 2. The heads, in ascending order, as every append takes them.
-- 3. What may not be recorded before, by a snapshot that is taken now.
-- 4. Each head moves by the number of its entries, and they are written at the positions and the time so won.
with locked as materialized (
  select h.part
  from {schema}.{log}_head h
  where h.part = any($1)
    and pg_advisory_xact_lock_shared('{schema}.{log}_head'::regclass::oid::integer, h.part) is not null
  order by h.part
  for update
), floor as materialized (
  select locked.part, promised.step, promised.until from locked cross join lateral {promised} promised
), head as (
  update {schema}.{log}_head h
  set pos = h.pos + wanted.entries,
      step = floor.step,
      recorded_at = greatest($3, floor.until, case when h.step = floor.step then h.recorded_at end)
  from floor
  join unnest($1::smallint[], $2::bigint[]) as wanted(part, entries) using (part)
  where h.part = floor.part
  returning h.part, h.pos - wanted.entries as before, h.recorded_at
), written as (
  insert into {schema}.{log}_log
    (part, pos, month, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
  select entry.part, head.before + entry.nth, date_trunc('month', head.recorded_at at time zone 'UTC')::date,
         head.recorded_at, entry.group_id, entry.rooftop, entry.entity, entry.origin, entry.actor, entry.traceparent,
         entry.tracestate, entry.body
  from unnest($4::smallint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::smallint[], $10::text[],
              $11::text[], $12::text[], $13::bytea[])
    as entry(part, nth, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
  join head using (part)
)
select part, before, recorded_at from head
