-- Until the end of the transaction; a collision of hashes only makes two requests take turns.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL AS "locked!"
