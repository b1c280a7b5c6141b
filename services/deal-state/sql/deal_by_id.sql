-- By its own id or by any id that one of its keys alone would give: every former id is one of these.
select deal.deal_id, deal.body from deal_state.rooftop r
join deal_state.deal_key k on k.part = r.part and k.key = $3 and k.kind not in ('trade', 'sale', 'decision')
join deal_state.deal deal on deal.part = k.part and deal.deal_id = k.deal_id
where r.group_id = $1 and r.rooftop = $2 and deal.group_id = $1 and deal.rooftop = $2 and deal.opened_at is not null
