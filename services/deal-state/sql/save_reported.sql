-- Days only rise, whatever the order of arrival.
insert into deal_state.reported as known (part, group_id, rooftop, source, event_type, last_reported_on)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::date[])
on conflict (part, group_id, rooftop, source, event_type) do update
set last_reported_on = excluded.last_reported_on
where known.last_reported_on < excluded.last_reported_on
