-- Forgets a bounded number of contents of which nothing was heard since $1.
delete from ingestion.dropped_file
where (group_id, rooftop, profile, content) in (
  select group_id, rooftop, profile, content from ingestion.dropped_file
  where changed_at < $1
  order by group_id, rooftop, profile, content
  limit $2
  for update skip locked
)
