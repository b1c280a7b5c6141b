-- What the names of databases beside this one begin with: its own number, for names may be long and alike.
SELECT 'throughline_' || $1::text || '_' || oid || '_' AS "prefix!" FROM pg_database WHERE datname = current_database()
