insert into deal_state.car_sold (part, deal_id, kind, value, group_id, rooftop)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
on conflict do nothing
