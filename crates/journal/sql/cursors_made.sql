-- One cursor row a part, at the beginning of the log.
insert into {schema}.cursor (consumer, part)
select $1, part from generate_series(0, 255) as part
on conflict do nothing
