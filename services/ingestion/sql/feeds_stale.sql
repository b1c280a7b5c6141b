-- How many feeds of all groups are stale.
select count(*) as "stale!" from ingestion.feed where stale_at <= $1
