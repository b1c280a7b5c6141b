-- The caller holds the row (rooftop_lock.sql).
update directory.rooftop set zone = $3, body = $4, revision = $5, changed_at = $6, watch = $7
where group_id = $1 and rooftop_id = $2
