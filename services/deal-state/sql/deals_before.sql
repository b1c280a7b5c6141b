-- What was last said of these deals. LATERAL with LIMIT looks each up by its whole key: a plan made while the table was small
-- reads the whole part otherwise.
select d.deal_id, d.event_count, d.body
from (select distinct deal_id from unnest($2::uuid[]) as named (deal_id)) wanted
cross join lateral (
  select deal.deal_id, deal.event_count, deal.body
  from deal_state.deal deal
  where deal.part = $1 and deal.deal_id = wanted.deal_id
  limit 1
) d
