-- How many owners share the parts.
select count(*) from {schema}.member where consumer = $1 and seen_until > now()
