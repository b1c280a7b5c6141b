-- The timers of these entities have fired, or an entry has brought the entities up to date.
delete from {schema}.parked_timer t
using unnest($3::text[], $4::text[], $5::text[]) as done(group_id, rooftop, entity)
where t.consumer = $1 and t.part = $2
  and t.group_id = done.group_id and t.rooftop = done.rooftop and t.entity = done.entity
