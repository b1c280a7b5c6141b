-- Heads of some parts with what the upstream consumer has completed, in one snapshot: whatever the watermark covers is
-- below these heads.
select h.part, h.pos, h.first_pos, w.until
from {schema}.{log}_head h
left join {watermark} on w.part = h.part
where h.part = any($1::smallint[])
