-- The sources of some rooftops: how fresh each is, and which steps it reports.
select s.rooftop, s.source, s.last_recorded_at, s.last_event_at, s.expected_ms, s.stale_at,
       array(
         select r.event_type from deal_state.reported r
         where r.part = s.part and r.group_id = s.group_id and r.rooftop = s.rooftop and r.source = s.source
       ) as "types!"
from deal_state.source s
where s.group_id = $1 and s.rooftop = any($2)
order by s.rooftop, s.source
