-- What stands on lists; what stood there in the same way is not written again.
insert into deal_state.worklist as listed
  (part, deal_id, list, instance, group_id, rooftop, since, since_earliest, since_quality, department, leaving_unobserved)
select $1, * from unnest($2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                         $8::timestamptz[], $9::smallint[], $10::text[], $11::boolean[])
on conflict (part, deal_id, list, instance) do update
set since = excluded.since, since_earliest = excluded.since_earliest, since_quality = excluded.since_quality,
    department = excluded.department, leaving_unobserved = excluded.leaving_unobserved
where (listed.since, listed.since_earliest, listed.since_quality, listed.department, listed.leaving_unobserved)
  is distinct from
  (excluded.since, excluded.since_earliest, excluded.since_quality, excluded.department, excluded.leaving_unobserved)
