-- In one order whatever the parts and the collation.
select rooftop, deal_id, state_hash from deal_state.deal
where group_id = $1 and opened_at is not null
order by rooftop collate "C", deal_id
