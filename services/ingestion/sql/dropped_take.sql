-- From here on a former taker saves nothing any more.
update ingestion.dropped_file
set import_id = $5, owner = $6, leased_until = $7, epoch = epoch + 1, changed_at = $8
where group_id = $1 and rooftop = $2 and profile = $3 and content = $4
returning epoch
