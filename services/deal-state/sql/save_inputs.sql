-- Events never change: one that is there already is the same one.
insert into deal_state.fold_input (part, anchor, event, group_id, rooftop, recorded_at, origin, actor, body)
select $1, * from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::smallint[], $8::text[],
                         $9::bytea[])
on conflict do nothing
