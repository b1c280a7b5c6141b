-- A page of a group's rooftops by id, behind one; $3 null means all.
select rooftop_id, body
from directory.rooftop
where group_id = $1 and rooftop_id > $2 and ($3::text[] is null or rooftop_id = any($3))
order by rooftop_id
limit $4
