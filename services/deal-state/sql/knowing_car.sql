-- Deals of a rooftop that know one of these cars, but for one: those that are not agreed now, most of which never were, last.
select known.deal_id as "deal_id!" from (
  select deal.deal_id, min(deal.state) as state
  from deal_state.deal_mark mark
  join deal_state.deal deal on deal.part = mark.part and deal.deal_id = mark.deal_id
  where mark.group_id = $1 and mark.rooftop = $2 and mark.kind in ('vin', 'stock') and mark.value = any($3)
    and mark.deal_id <> $4
  group by deal.deal_id
) known
order by known.state in (1, 5), known.deal_id
limit $5
