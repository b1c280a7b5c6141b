-- The entries of a parked entity, oldest first.
select pos, entry from {schema}.parked
where consumer = $1 and part = $2 and group_id = $3 and rooftop = $4 and entity = $5
order by pos
limit $6
