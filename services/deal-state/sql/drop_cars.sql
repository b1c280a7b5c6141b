delete from deal_state.car_sold sold
using unnest($2::uuid[], $3::text[], $4::text[]) as gone(deal_id, kind, value)
where sold.part = $1 and sold.deal_id = gone.deal_id and sold.kind = gone.kind and sold.value = gone.value
