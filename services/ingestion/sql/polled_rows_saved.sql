-- What rows have given by now, in the order of the key.
insert into ingestion.polled_row (part, table_id, row, given, seen, group_id)
select $1, $2, row, given, seen, $3
from unnest($4::uuid[], $5::bigint[], $6::bigint[]) as changed (row, given, seen)
order by row
on conflict (part, table_id, row) do update set given = excluded.given, seen = excluded.seen
