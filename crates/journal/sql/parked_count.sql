-- How much is parked: entries, their entities, and entities whose timers are.
select count(*) as entries, count(distinct (part, group_id, rooftop, entity)) as entities,
       (select count(*) from {schema}.parked_timer where consumer = $1) as timers
from {schema}.parked where consumer = $1
