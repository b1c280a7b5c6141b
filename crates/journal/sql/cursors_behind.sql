-- How many of the named parts have not come as far as named.
select count(*)
from unnest($2::smallint[], $3::bigint[]) as wanted(part, pos)
left join {schema}.cursor c on c.consumer = $1 and c.part = wanted.part
where coalesce(c.pos, 0) < wanted.pos
