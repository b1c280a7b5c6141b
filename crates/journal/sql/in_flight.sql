-- Transactions that are appending to a log just now, by part.
select l.objid::bigint as part, l.virtualtransaction
from pg_locks l
where l.locktype = 'advisory'
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.classid = '{schema}.{log}_head'::regclass::oid
  and l.objsubid = 2
