-- What is parked of some parts, and whether somebody asked to retry it.
select part, group_id, rooftop, entity, bool_or(retry_at is not null) as retry
from {schema}.parked
where consumer = $1 and part = any($2)
group by part, group_id, rooftop, entity
