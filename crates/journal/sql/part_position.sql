-- How far one part is.
select pos from {schema}.cursor where consumer = $1 and part = $2
