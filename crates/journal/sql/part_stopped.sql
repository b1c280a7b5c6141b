-- Records why a part stands still; cleared when the part goes on or changes hands.
update {schema}.cursor set stopped_why = $5 where consumer = $1 and part = $2 and owner = $3 and epoch = $4
