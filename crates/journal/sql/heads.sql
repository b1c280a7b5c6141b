-- Heads of some parts.
select part, pos, first_pos, step, recorded_at from {schema}.{log}_head where part = any($1::smallint[])
