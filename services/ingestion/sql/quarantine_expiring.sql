-- Groups that have events last sent before $1 or released before $2.
select distinct group_id as "group_id!" from (
  (select group_id from ingestion.quarantine where last_seen_at < $1 limit 1000)
  union all
  (select group_id from ingestion.quarantine where released_at < $2 limit 1000)
) expiring
