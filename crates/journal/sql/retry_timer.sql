-- Asks the owner of the part to fire the timer of a parked entity again.
update {schema}.parked_timer
set retry_at = now()
where consumer = $1 and part = $2 and group_id = $3 and rooftop = $4 and entity = $5
