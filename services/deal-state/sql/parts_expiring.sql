-- Parts in which a step has not been reported for too long, and whose rooftops' timers are not parked.
select mine.part as "part!" from unnest($1::smallint[]) as mine (part)
where exists (
  select from deal_state.observed o
  where o.part = mine.part and not o.expired and o.expires_at <= $2
    and not exists (
      select from deal_state.parked_timer p
      where p.consumer = $3 and p.part = o.part and p.group_id = o.group_id and p.rooftop = o.rooftop and p.entity = $4
    )
)
