-- Forgets a bounded number of answers that nobody can ask for again.
delete from ingestion.hook_delivery
where (group_id, hook_id, id) in (
  select group_id, hook_id, id from ingestion.hook_delivery
  where expires_at <= $1
  order by expires_at
  limit $2
  for update skip locked
)
