-- Makes the month's partition unless it is there.
select journal.ensure_month('{schema}', '{log}', $1)
