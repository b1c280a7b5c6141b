-- Parts with a sweep under way. One whose rooftop cannot be read waits until its timer is parked no longer.
select distinct sweep.part
from deal_state.refold sweep
where sweep.part = any($1)
  and not exists (
    select from deal_state.parked_timer p
    where p.consumer = $2 and p.part = sweep.part and p.group_id = sweep.group_id and p.rooftop = sweep.rooftop
      and p.entity = $3
  )
