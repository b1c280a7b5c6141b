-- A hook, as long as its group has fewer than it may; no row comes back if not.
insert into ingestion.hook (group_id, hook_id, display_name, rooftop, profile, profile_yaml, source, created_at)
select $1, $2, $3, $4, $5, $6, $7, $8
where (select count(*) from ingestion.hook where group_id = $1) < $9
returning hook_id
