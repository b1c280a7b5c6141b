-- Whether an import reports the present rather than history. Files from the watched folder do, also those that are half read.
alter table ingestion.import add column live boolean not null default false;
set local role throughline_worker;
update ingestion.import i
set live = true
where i.ended_at is null
  and exists (select from ingestion.dropped_file d where d.group_id = i.group_id and d.import_id = i.id);
reset role;
