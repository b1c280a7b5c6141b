insert into deal_state.rooftop (part, group_id, rooftop, body)
select $1, * from unnest($2::text[], $3::text[], $4::bytea[])
on conflict (part, group_id, rooftop) do update set body = excluded.body
