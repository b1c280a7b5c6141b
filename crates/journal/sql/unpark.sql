-- The entry has had its effects.
delete from {schema}.parked where consumer = $1 and part = $2 and pos = $3
