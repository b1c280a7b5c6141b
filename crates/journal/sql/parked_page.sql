-- A page of what is parked, in the order of (parked_at, part, pos, group_id, rooftop, entity); null: of every group (for
-- operators of the suite). A parked timer has no position: its pos is 0.
select part, pos, group_id, rooftop, entity, error, parked_at, timer
from (
  select part, pos, group_id, rooftop, entity, error, parked_at, false as timer
  from {schema}.parked where consumer = $1
  union all
  select part, 0::bigint, group_id, rooftop, entity, error, parked_at, true
  from {schema}.parked_timer where consumer = $1
) as parked
where ($2::text is null or group_id = $2)
  and (parked_at, part, pos, group_id, rooftop, entity) > ($3, $4, $5, $6, $7, $8)
order by parked_at, part, pos, group_id, rooftop, entity
limit $9
