-- Takes a part from whoever holds it: what the former owner has under way no longer commits.
update {schema}.cursor
set owner = $3, epoch = epoch + 1, lease_until = now() + $4 * interval '1 millisecond'
where consumer = $1 and part = $2
returning epoch, pos
