-- Says goodbye, so that the others take the parts at once.
delete from {schema}.member where consumer = $1 and owner = $2
