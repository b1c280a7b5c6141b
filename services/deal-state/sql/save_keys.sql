-- New keys, and keys that point to another deal from now on.
insert into deal_state.deal_key (part, key, group_id, rooftop, kind, scope, value, deal_id)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[])
on conflict (part, key) do update set deal_id = excluded.deal_id
