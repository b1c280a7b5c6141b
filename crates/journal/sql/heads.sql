-- Heads of some parts. The last `recorded_at` of an empty part is infinitely long ago, which no instant of ours is.
select part, pos, first_pos, step, greatest(recorded_at, timestamptz 'epoch')
from {schema}.{log}_head
where part = any($1::smallint[])
