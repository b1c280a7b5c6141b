-- Sets entries aside: those that failed, and those that queue behind an earlier one of their entity.
insert into {schema}.parked
  (consumer, part, pos, group_id, rooftop, entity, entry, error, tries, parked_at)
select $1, $2, parked.pos, parked.group_id, parked.rooftop, parked.entity, parked.entry, $8, $9, $10
from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[])
  as parked(pos, group_id, rooftop, entity, entry)
