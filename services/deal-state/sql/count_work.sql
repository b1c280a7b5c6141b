-- How much stands on each list of these rooftops, each with the beginning of its day.
select listed.rooftop, listed.list, count(*) as "count!",
       count(*) filter (where deal.last_event_at < day.began) as "untouched!",
       count(*) filter (where listed.leaving_unobserved) as "unobserved!",
       min(listed.since) as "oldest!", min(listed.since_earliest) as "oldest_earliest!"
from unnest($2::text[], $3::timestamptz[]) as day(rooftop, began)
join deal_state.worklist listed on listed.group_id = $1 and listed.rooftop = day.rooftop
join deal_state.deal deal on deal.part = listed.part and deal.deal_id = listed.deal_id
group by listed.rooftop, listed.list
