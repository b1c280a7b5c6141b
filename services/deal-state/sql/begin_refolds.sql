-- The deals of these rooftops fold anew, from the first one on; a sweep under way begins again.
insert into deal_state.refold as sweep (part, group_id, rooftop, after_deal, every_deal)
select $1, group_id, rooftop, '00000000-0000-0000-0000-000000000000', every_deal
from unnest($2::text[], $3::text[], $4::boolean[]) as begun(group_id, rooftop, every_deal)
on conflict (part, group_id, rooftop) do update
set after_deal = excluded.after_deal, every_deal = sweep.every_deal or excluded.every_deal
