SELECT datname::text AS "name!" FROM pg_database WHERE starts_with(datname::text, $1::text)
