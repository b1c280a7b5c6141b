-- Ends what is done to a part that was taken: it commits only if the part is still held where it stood.
update {schema}.cursor
set lease_until = now() + $5 * interval '1 millisecond'
where consumer = $1 and part = $2 and epoch = $3 and pos = $4
