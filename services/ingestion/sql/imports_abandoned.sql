-- Ends a bounded number of imports to which nothing was uploaded since $1.
update ingestion.import
set state = 3, error = $2, ended_at = $3, changed_at = $3, alive_until = null
where (group_id, id) in (
  select group_id, id from ingestion.import
  where ended_at is null and changed_at < $1 and (alive_until is null or alive_until < now())
  order by group_id, id
  limit $4
  for update skip locked
)
