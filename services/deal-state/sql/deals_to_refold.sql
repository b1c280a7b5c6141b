-- The next deals of a sweep, but for those whose timers are parked; an entity is the id of its deal without hyphens.
select deal.deal_id
from deal_state.deal deal
where deal.part = $1 and deal.group_id = $2 and deal.rooftop = $3 and deal.deal_id > $4 and (deal.blind or $5)
  and not exists (
    select from deal_state.parked_timer p
    where p.consumer = $7 and p.part = deal.part and p.group_id = deal.group_id and p.rooftop = deal.rooftop
      and p.entity = replace(deal.deal_id::text, '-', '')
  )
order by deal.deal_id
limit $6
