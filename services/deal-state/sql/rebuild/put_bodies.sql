-- Deals with their own numbering.
update deal_state.deal deal set body = given.body
from unnest($2::uuid[], $3::bytea[]) as given(deal_id, body)
where deal.part = $1 and deal.deal_id = given.deal_id
