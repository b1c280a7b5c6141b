-- The tables of this schema: whether their keys begin with the part, what follows it with its types, and what else a row
-- has.
select c.relname::text as "table!",
       array(
         select a.attname::text from unnest(i.indkey) with ordinality as k(number, nth)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
         where k.nth > 1 order by k.nth
       ) as "keys!",
       array(
         select format_type(a.atttypid, a.atttypmod) from unnest(i.indkey) with ordinality as k(number, nth)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
         where k.nth > 1 order by k.nth
       ) as "types!",
       array(
         select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attnum <> all (i.indkey)
         order by a.attnum
       ) as "others!",
       (
         select a.attname = 'part' from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0]
       ) as "by_part!"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_index i on i.indrelid = c.oid and i.indisprimary
where n.nspname = 'deal_state' and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname
