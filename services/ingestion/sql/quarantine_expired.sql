-- Forgets a bounded number of events of these groups that were last sent before $2 or released before $3; answers whose they
-- were. The caller holds the sizes of the groups, so nobody adds rows meanwhile.
delete from ingestion.quarantine
where (group_id, id) in (
  select group_id, id from ingestion.quarantine
  where group_id = any($1) and (last_seen_at < $2 or released_at < $3)
  order by group_id, id
  limit $4
)
returning group_id
