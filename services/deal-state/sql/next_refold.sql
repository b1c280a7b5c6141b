-- A sweep of a part, but for those whose rooftop cannot be read.
select sweep.group_id, sweep.rooftop, sweep.after_deal, sweep.every_deal
from deal_state.refold sweep
where sweep.part = $1
  and not exists (
    select from deal_state.parked_timer p
    where p.consumer = $2 and p.part = sweep.part and p.group_id = sweep.group_id and p.rooftop = sweep.rooftop
      and p.entity = $3
  )
order by sweep.group_id, sweep.rooftop
limit 1
