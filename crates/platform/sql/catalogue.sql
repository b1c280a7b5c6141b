-- Every table of ours, partitions too: they can be named directly.
SELECT
    format('%I.%I', n.nspname, c.relname) AS "name!",
    EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname = 'group_id' AND NOT a.attisdropped
    ) AS "tenant!",
    c.relrowsecurity AND c.relforcerowsecurity AS "forced!",
    has_schema_privilege('throughline_api', n.oid, 'USAGE')
    AND has_table_privilege('throughline_api', c.oid, 'SELECT') AS "readable!",
    has_schema_privilege('throughline_worker', n.oid, 'USAGE')
    AND has_table_privilege('throughline_worker', c.oid, 'SELECT') AS "worker!"
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind IN ('r', 'p', 'm', 'v')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
ORDER BY 1
