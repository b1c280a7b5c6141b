-- Types that are observed from now on, or again, and those that are reported on another day.
insert into deal_state.observed as known (part, group_id, rooftop, event_type, recorded_at, last_reported_on, expires_at)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::date[], $7::timestamptz[])
on conflict (part, group_id, rooftop, event_type) do update
set last_reported_on = greatest(known.last_reported_on, excluded.last_reported_on),
    expires_at = greatest(known.expires_at, excluded.expires_at),
    expired = false
