-- How much waits for a person.
SELECT count(*) AS "open!" FROM rules.review WHERE resolved_at IS NULL;
