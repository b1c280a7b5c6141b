-- What is parked of some parts, whether by a timer, and whether somebody asked to retry it.
select part, group_id, rooftop, entity, bool_or(retry_at is not null) as retry, false as timer
from {schema}.parked
where consumer = $1 and part = any($2)
group by part, group_id, rooftop, entity
union all
select part, group_id, rooftop, entity, retry_at is not null, true
from {schema}.parked_timer
where consumer = $1 and part = any($2)
