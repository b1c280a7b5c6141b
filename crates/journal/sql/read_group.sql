-- Entries of one group among a window of positions, cut at about a megabyte; the policy on the table says the same of the
-- group, and this does not rely on it. The first entry always comes.
select part, pos, recorded_at, group_id, rooftop, entity, origin, actor, traceparent, tracestate, body
from (
  select l.*, sum(octet_length(l.body) + 200) over (order by l.pos) - octet_length(l.body) as before
  from {schema}.{log}_log l
  where l.part = $1 and l.pos > $2 and l.pos <= $3
    and l.group_id = $4
    and ($5::text[] is null or l.rooftop = any($5))
) sized
where before <= 1048576
order by pos
