-- For the one caller who is shown it.
select secret from ingestion.hook_secret where group_id = $1 and hook_id = $2
