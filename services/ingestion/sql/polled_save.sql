-- Notes the polls. No row: another upload reads this table now.
update ingestion.polled_table
set before_at = $5, last_at = $6, types = $7
where group_id = $1 and id = $2 and import_id = $3 and epoch = $4
