-- The sources of a rooftop of which the directory says something new.
select source, state, last_recorded_at, last_event_at,
       array(
         select r.event_type from deal_state.reported r
         where r.part = s.part and r.group_id = s.group_id and r.rooftop = s.rooftop and r.source = s.source
         order by r.event_type
       ) as "types!",
       array(
         select r.last_reported_on from deal_state.reported r
         where r.part = s.part and r.group_id = s.group_id and r.rooftop = s.rooftop and r.source = s.source
         order by r.event_type
       ) as "days!: Vec<jiff_sqlx::Date>"
from deal_state.source s
where part = $1 and group_id = $2 and rooftop = $3
order by source
limit $4
