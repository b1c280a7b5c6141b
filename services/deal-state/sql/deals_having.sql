-- Deals known by every one of these numbers, of whatever kind.
select deal_id as "deal_id!" from (
  select deal_id, value from deal_state.deal_key where group_id = $1 and value = any($2) and kind <> 'sale'
  union
  select deal_id, value from deal_state.deal_mark where group_id = $1 and value = any($2)
) known
group by deal_id
having count(distinct value) = $3
