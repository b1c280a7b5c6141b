-- How many rows these groups have in quarantine; locked, in order, until the transaction has added its own.
select group_id, kept from ingestion.quarantine_size where group_id = any($1) order by group_id for update
