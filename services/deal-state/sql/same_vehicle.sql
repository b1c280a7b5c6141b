-- Deals of a group that sell or took one of these cars, but for one; `rooftops`: none means all of the group.
select known.value, deal.body
from (
  select mark.part, mark.deal_id, mark.value
  from deal_state.deal_mark mark
  where mark.group_id = $1 and mark.value = any($2) and mark.kind in ('vin', 'trade') and mark.deal_id <> $3
    and ($4::text[] is null or mark.rooftop = any($4))
  limit $5
) known
join deal_state.deal deal on deal.part = known.part and deal.deal_id = known.deal_id
where deal.opened_at is not null
