-- A page of a list, the oldest first, behind (since, deal, instance).
select listed.deal_id, listed.rooftop, listed.instance, listed.since, listed.since_earliest, listed.since_quality,
       listed.department, listed.leaving_unobserved, deal.body
from deal_state.worklist listed
join deal_state.deal deal on deal.part = listed.part and deal.deal_id = listed.deal_id
where listed.group_id = $1 and listed.list = $2
  and (listed.since, listed.deal_id, listed.instance) > ($3, $4, $5)
  and ($6::text[] is null or listed.rooftop = any($6))
order by listed.since, listed.deal_id, listed.instance
limit $7
