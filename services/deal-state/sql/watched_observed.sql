-- Event types that some source of these rooftops reports.
select o.rooftop, o.event_type
from deal_state.rooftop r
join deal_state.observed o on o.part = r.part and o.group_id = r.group_id and o.rooftop = r.rooftop
where r.group_id = $1 and r.rooftop = any($2) and not o.expired
