-- From here on only this upload changes what is remembered.
update ingestion.polled_table set import_id = $3, epoch = $4 where group_id = $1 and id = $2
