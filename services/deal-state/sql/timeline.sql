-- The events of a deal, under whatever keys they came.
select i.anchor, i.event, i.recorded_at, i.origin, i.actor, i.body from deal_state.deal_key k
join deal_state.fold_input i on i.part = k.part and i.anchor = k.key
where k.part = $1 and k.deal_id = $2 and k.group_id = $3
