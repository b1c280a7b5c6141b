-- Gives a rooftop its codes; those that another rooftop has are not given.
insert into directory.rooftop_code as given (group_id, code, rooftop_id)
select $1, code, $2 from unnest($3::text[]) as wanted (code)
order by code
on conflict (group_id, code) do update set rooftop_id = given.rooftop_id where given.rooftop_id = excluded.rooftop_id
returning code
