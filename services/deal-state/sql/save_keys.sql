-- New keys, and keys that point to another deal or are of another core from now on.
insert into deal_state.deal_key (part, key, group_id, rooftop, kind, scope, value, core, deal_id)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[])
on conflict (part, key) do update set core = excluded.core, deal_id = excluded.deal_id
