-- Rooftops of a part in which a step has not been reported for too long, and whose timers are not parked.
select distinct o.group_id, o.rooftop
from deal_state.observed o
where o.part = $1 and not o.expired and o.expires_at <= $2
  and not exists (
    select from deal_state.parked_timer p
    where p.consumer = $3 and p.part = o.part and p.group_id = o.group_id and p.rooftop = o.rooftop and p.entity = $4
  )
order by o.group_id, o.rooftop
limit $5
