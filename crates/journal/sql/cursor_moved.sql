-- Ends each batch: the effects commit only if this owner still holds the part and nobody moved the cursor.
update {schema}.cursor
set pos = $5
where consumer = $1 and part = $2 and epoch = $3 and pos = $4
