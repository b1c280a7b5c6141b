-- Deals that others took over; their keys point to the survivors already.
with gone as (
  delete from deal_state.deal where part = $1 and deal_id = any($2) returning deal_id
), unsold as (
  delete from deal_state.car_sold where part = $1 and deal_id in (select deal_id from gone)
)
delete from deal_state.deal_mark where part = $1 and deal_id in (select deal_id from gone)
