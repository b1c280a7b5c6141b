-- Rooftops are added one at a time.
select pg_advisory_xact_lock(hashtextextended('directory.part_load', 0))
