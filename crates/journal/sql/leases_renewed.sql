-- Renews what this owner still holds and says what that is.
update {schema}.cursor
set lease_until = now() + $3 * interval '1 millisecond'
where consumer = $1 and owner = $2
returning part, epoch, pos
