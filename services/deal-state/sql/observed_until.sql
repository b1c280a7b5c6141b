-- Types that were recorded until then; of those that older versions noted nobody knows since when.
select event_type from deal_state.observed
where part = $1 and group_id = $2 and rooftop = $3 and (recorded_at is null or recorded_at <= $4)
