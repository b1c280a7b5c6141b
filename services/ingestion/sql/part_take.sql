-- Takes the part with the fewest rooftops, the lowest of those that tie. The caller holds the lock of part_lock.sql: otherwise
-- two rooftops that are added at once would take the same.
update directory.part_load
set rooftops = rooftops + 1
where part = (select part from directory.part_load order by rooftops, part limit 1)
returning part
