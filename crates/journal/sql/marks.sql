-- What the consumer upstream of a log has completed: its appends record no earlier, as those of a log without an upstream
-- record no earlier than its promise.
select w.part, w.step + p.step as step, w.until
from {schema}.watermark w
cross join (select step from journal.promise where log = '{schema}.{log}') p
where w.consumer = '{upstream}'
