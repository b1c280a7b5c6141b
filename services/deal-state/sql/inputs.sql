-- The events that came under these keys. LATERAL with OFFSET: see deals_before.sql.
select i.anchor, i.event, i.recorded_at, i.origin, i.actor, i.body
from (select distinct key from unnest($2::uuid[]) as named (key)) wanted
cross join lateral (
  select * from deal_state.fold_input kept where kept.part = $1 and kept.anchor = wanted.key offset 0
) i
