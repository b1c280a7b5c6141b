-- The deals that sell one of these cars, but for those named, at most so many of each car. LATERAL with LIMIT: see deals_before.sql.
select deal.deal_id, deal.group_id, deal.rooftop, deal.blind, deal.body
from (
  select distinct sold.deal_id
  from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as wanted (group_id, rooftop, kind, value)
  join lateral (
    select s.deal_id from deal_state.car_sold s
    where s.part = $1 and s.rooftop = wanted.rooftop and s.value = wanted.value and s.kind = wanted.kind
      and s.group_id = wanted.group_id and s.deal_id <> all($6::uuid[])
    order by s.deal_id
    limit $7
  ) sold on true
) selling
cross join lateral (
  select * from deal_state.deal kept where kept.part = $1 and kept.deal_id = selling.deal_id limit 1
) deal
order by deal.deal_id
