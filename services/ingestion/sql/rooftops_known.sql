-- Every code of a group's rooftops, for the memory that events are placed by; with its id, by what a rooftop's feeds are judged.
select code.code, rooftop.rooftop_id, rooftop.part, rooftop.zone,
       case when code.code = rooftop.rooftop_id then coalesce(rooftop.watch, rooftop.body) end as "watch?"
from directory.rooftop_code code
join directory.rooftop rooftop using (group_id, rooftop_id)
where code.group_id = $1
order by rooftop.rooftop_id
