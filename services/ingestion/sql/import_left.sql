-- The uploader has left.
update ingestion.import set alive_until = null where group_id = $1 and id = $2 and epoch = $3
