-- Heads of some parts (null: of all) with what the upstream consumer has completed, in one snapshot: whatever the
-- watermark covers is below these heads.
select h.part, h.pos, h.first_pos, w.until
from {schema}.{log}_head h
left join {watermark} on w.part = h.part
where $1::smallint[] is null or h.part = any($1)
