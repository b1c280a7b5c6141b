-- Rows are compared as text: it must not depend on how either database is set up.
select set_config('timezone', 'UTC', true) as "zone!", set_config('bytea_output', 'hex', true) as "bytes!"
