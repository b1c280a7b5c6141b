-- Entries of one group among windows of positions of several parts, in the order asked, cut at about a megabyte; the policy
-- on the table says the same of the group, and this does not rely on it. The first entry always comes.
-- Sub-selects hide the values of the parameters from the planner, which would otherwise plan each call anew for them: that
-- takes several times as long as to run it.
select part, pos, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body
from (
  select wanted.nth, l.*,
         sum(octet_length(l.body) + 200) over (order by wanted.nth, l.pos) - octet_length(l.body) as before
  from unnest((select $1::smallint[]), (select $2::bigint[]), (select $3::bigint[]))
    with ordinality as wanted(part, after_pos, upto_pos, nth)
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
