-- How many sources of all groups are stale.
select count(*) as "stale!" from deal_state.source where stale_at <= $1
