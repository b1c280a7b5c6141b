-- Entries of one group among windows of positions of several parts, in the order asked, cut at about a megabyte; the policy
-- on the table says the same of the group, and this does not rely on it. The first entry always comes.
-- Sub-selects hide the parameters from the planner: a plan for their values costs as much as its execution and is no better,
-- but would be made anew for each call, as it looks cheaper than the one that is kept.
select part, pos, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body
from (
  select wanted.nth, l.*,
         sum(octet_length(l.body) + 200) over (order by wanted.nth, l.pos) - octet_length(l.body) as before
  from unnest((select $1::smallint[]), (select $2::bigint[]), (select $3::bigint[])) with ordinality as wanted(part, after_pos, upto_pos, nth)
  join lateral (
    select * from {schema}.{log}_log e
    where e.part = wanted.part and e.pos > wanted.after_pos and e.pos <= wanted.upto_pos
      and e.group_id = $4
      and ((select $5::text[]) is null or e.rooftop = any((select $5::text[])::text[]))
    order by e.pos
  ) l on true
) sized
where before <= 1048576
order by nth, pos
