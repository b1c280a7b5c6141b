-- Held by the connection until it ends.
SELECT pg_try_advisory_lock(hashtextextended('throughline ' || $1::text, 0)) AS "taken!"
