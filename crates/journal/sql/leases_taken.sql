-- Takes up to so many parts that nobody holds; the higher epoch shuts a former owner out. A row that somebody is
-- committing to is passed over. In the order of the reversed bits: rooftops fill the low parts first, and owners who start
-- together share those too.
update {schema}.cursor c
set owner = $2, epoch = c.epoch + 1, lease_until = now() + $3 * interval '1 millisecond', stopped_why = null
from (
  select part from {schema}.cursor
  where consumer = $1 and lease_until < now()
  order by (part & 1) * 128 + (part & 2) * 32 + (part & 4) * 8 + (part & 8) * 2
         + (part & 16) / 2 + (part & 32) / 8 + (part & 64) / 32 + (part & 128) / 128
  limit $4
  for update skip locked
) free
where c.consumer = $1 and c.part = free.part
returning c.part, c.epoch, c.pos
