-- How often the log's own clock stepped back, and what the consumer upstream has completed, by part: appends record no earlier,
-- as those of a log without an upstream record no earlier than its promise. One row without a part if nothing is completed.
select p.step as own_step, w.part, w.step + p.step as step, w.until
from journal.promise p
left join {schema}.watermark w on w.consumer = '{upstream}'
where p.log = '{schema}.{log}'
