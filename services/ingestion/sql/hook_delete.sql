-- Its secrets and what it remembers go with it.
delete from ingestion.hook where group_id = $1 and hook_id = $2
