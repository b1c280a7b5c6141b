-- Which deals have these keys.
select key, deal_id from deal_state.deal_key where part = $1 and key = any($2)
