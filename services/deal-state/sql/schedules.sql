-- When rooftops are open, of what the directory said of each: nothing but the tag where it is what the caller knows already.
select r.rooftop as "rooftop!", md5(r.body) as "tag!",
       case when md5(r.body) is distinct from known.tag then r.body end as body
from deal_state.rooftop r
left join unnest($2::text[], $3::text[]) as known(rooftop, tag) on known.rooftop = r.rooftop
where r.group_id = $1 and r.rooftop = any($2)
