-- How much is parked.
select count(*) as entries, count(distinct (part, group_id, rooftop, entity)) as entities
from {schema}.parked where consumer = $1
