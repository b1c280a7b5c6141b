-- Appends entries of any parts: takes the heads in ascending order, moves each by the number of its entries, and writes
-- them at the positions so won. One statement, the last before commit: positions are gapless and in commit order, and
-- no head is held longer than it takes to commit.
with locked as materialized (
  select part from {schema}.{log}_head where part = any($1) order by part for update
), head as (
  update {schema}.{log}_head h
  set pos = h.pos + wanted.entries
  from locked
  join unnest($1::smallint[], $2::bigint[]) as wanted(part, entries) using (part)
  where h.part = locked.part
  returning h.part, h.pos - wanted.entries as before
), written as (
  insert into {schema}.{log}_log
    (part, pos, month, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
  select entry.part, head.before + entry.nth, $3, $4, entry.group_id, entry.rooftop, entry.entity, entry.origin,
         entry.actor, entry.traceparent, entry.tracestate, entry.body
  from unnest($5::smallint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::smallint[], $11::text[],
              $12::text[], $13::text[], $14::bytea[])
    as entry(part, nth, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body)
  join head using (part)
)
select part, before from head
