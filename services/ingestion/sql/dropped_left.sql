-- Its taker has left it.
update ingestion.dropped_file
set leased_until = null
where group_id = $1 and rooftop = $2 and profile = $3 and content = $4 and epoch = $5
