-- Which entries of a part are set aside.
select pos from {schema}.parked where consumer = $1 and part = $2 order by pos
