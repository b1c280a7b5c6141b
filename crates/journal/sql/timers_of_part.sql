-- Whose timers of a part are parked.
select group_id, rooftop, entity from {schema}.parked_timer where consumer = $1 and part = $2
