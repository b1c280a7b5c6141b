-- Appends entries of any parts. The function of the log (migrations/0004_promises.sql) shows that an append is in flight,
-- takes the heads in ascending order, and assigns positions and `recorded_at` under them. One statement, the last before
-- commit: positions are gapless and in commit order, and no head is held longer than it takes to commit.
select part, before, recorded_at
from {schema}.{log}_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
