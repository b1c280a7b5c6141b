-- Sets entities aside whose timers failed. One that is parked already has failed once more, and waits until somebody asks.
insert into {schema}.parked_timer as known
  (consumer, part, group_id, rooftop, entity, error, tries, parked_at)
select $1, $2, failed.group_id, failed.rooftop, failed.entity, failed.error, $7, $8
from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as failed(group_id, rooftop, entity, error)
on conflict (consumer, part, group_id, rooftop, entity) do update
set error = excluded.error, tries = known.tries + 1, retry_at = null
