-- Deals known by a number, of any kind unless one is named; the kind by which each was found.
select found.kind as "kind!", found.scope as "scope!", deal.part, deal.deal_id, deal.rooftop, deal.body
from (
  select part, deal_id, kind, scope from deal_state.deal_key where group_id = $1 and value = $2 and kind not in ('trade', 'sale', 'decision')
  union all
  select part, deal_id, kind, '' from deal_state.deal_mark where group_id = $1 and value = $2
) found
join deal_state.deal deal on deal.part = found.part and deal.deal_id = found.deal_id
where ($3::text is null or found.kind = $3)
  and ($4::text is null or found.scope = $4)
  and ($5::text[] is null or deal.rooftop = any($5))
  and deal.group_id = $1 and deal.opened_at is not null
order by deal.deal_id
limit $6
