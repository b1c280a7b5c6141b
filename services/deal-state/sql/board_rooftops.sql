-- Rooftops with their parts, what the directory said of each, and the types that each has ever sent.
select r.part, r.rooftop, r.body,
       array(
         select o.event_type from deal_state.observed o
         where o.part = r.part and o.group_id = r.group_id and o.rooftop = r.rooftop and not o.expired
       ) as "observed!"
from deal_state.rooftop r
where r.group_id = $1 and ($2::text[] is null or r.rooftop = any($2))
order by r.rooftop
limit 256
