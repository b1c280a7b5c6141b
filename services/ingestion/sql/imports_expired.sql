-- Forgets a bounded number of imports that ended before $1.
delete from ingestion.import
where (group_id, id) in (
  select group_id, id from ingestion.import where ended_at < $1 order by group_id, id limit $2 for update skip locked
)
