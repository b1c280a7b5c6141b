-- How often the clock of a log stepped back, and the last time that it did.
select p.step, s.stepped_from, s.stepped_to
from journal.promise p
left join journal.clock_step s on s.log = p.log and s.step = p.step
where p.log = '{schema}.{log}'
