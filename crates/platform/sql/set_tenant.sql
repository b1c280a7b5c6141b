-- Before anything else in a transaction of a call: whose rows it sees, and how long each statement may take.
SELECT
    set_config('app.tenant', $1, true) AS "tenant!",
    set_config('statement_timeout', $2, true) AS "timeout!"
