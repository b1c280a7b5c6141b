-- A content that was dropped, unless it is known.
insert into ingestion.dropped_file (group_id, rooftop, profile, content, changed_at)
values ($1, $2, $3, $4, $5)
on conflict do nothing
