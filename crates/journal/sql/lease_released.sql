-- Gives parts back: another replica's share, or the end of this process.
update {schema}.cursor
set owner = '', lease_until = '-infinity'
where consumer = $1 and owner = $2 and part = any($3)
