-- Every code of a group's rooftops, for the memory that events are placed by.
select code.code, rooftop.rooftop_id, rooftop.part, rooftop.zone
from directory.rooftop_code code
join directory.rooftop rooftop using (group_id, rooftop_id)
where code.group_id = $1
order by rooftop.rooftop_id
