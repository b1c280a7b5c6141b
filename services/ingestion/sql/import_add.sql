-- Begins an import.
insert into ingestion.import
  (group_id, id, rooftop, profile, version, definition, actor, live, counts, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $9)
