-- Promises that no append that takes its lock after this commit records before the instant. Writes nothing if that was
-- promised already.
with raised as (
  update journal.promise
  set until = $1
  where log = '{schema}.{log}' and until < $1
  returning step, until
)
select step, until from raised
union all
select step, until from journal.promise where log = '{schema}.{log}' and not exists (select from raised)
