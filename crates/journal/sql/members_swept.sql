-- Forgets owners that are long gone.
delete from {schema}.member where consumer = $1 and seen_until < now() - interval '1 hour'
