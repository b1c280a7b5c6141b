-- How far a consumer is, part by part.
select part, pos, lease_until > now() as leased, stopped_why from {schema}.cursor where consumer = $1 order by part
