-- Begins a clock step, unless another process has done so: later appends and claims start from the present.
with stepped as (
  update journal.promise
  set step = step + 1, until = $2
  where log = '{schema}.{log}' and step = $1
  returning step
)
insert into journal.clock_step (log, step, stepped_from, stepped_to)
select '{schema}.{log}', step, $3, $2 from stepped
