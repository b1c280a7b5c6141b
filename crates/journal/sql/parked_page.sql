-- A page of parked entries in the order of (parked_at, part, pos); null: of every group (for operators of the suite).
select part, pos, group_id, rooftop, entity, error, parked_at
from {schema}.parked
where consumer = $1 and ($2::text is null or group_id = $2)
  and (parked_at, part, pos) > ($3, $4, $5)
order by parked_at, part, pos
limit $6
