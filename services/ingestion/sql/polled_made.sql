-- A polled table, unless it is known or the rooftop has too many ($9).
insert into ingestion.polled_table (group_id, id, part, rooftop, source, profile, import_id, epoch)
select $1, $2, $3, $4, $5, $6, $7, $8
where (select count(*) from ingestion.polled_table where group_id = $1 and rooftop = $4) < $9
on conflict do nothing
