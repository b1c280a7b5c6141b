insert into deal_state.observed (part, group_id, rooftop, event_type, recorded_at)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
on conflict do nothing
