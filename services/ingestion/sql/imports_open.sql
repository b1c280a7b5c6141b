-- How many imports of a group have not ended.
select count(*) as "open!" from ingestion.import where group_id = $1 and ended_at is null
