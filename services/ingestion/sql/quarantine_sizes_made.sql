-- A size for each group that has none yet.
insert into ingestion.quarantine_size (group_id, kept)
select group_id, 0 from unnest($1::text[]) as made (group_id)
order by group_id
on conflict do nothing
