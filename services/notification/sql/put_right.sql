-- Messages of a part that were decided on ahead of the clock, or are due later than any try could be, are due now: whoever
-- sends them looks whether their flags still stand.
UPDATE notification.delivery
SET next_at = $4, decided_at = least(decided_at, $4)
WHERE part = $1 AND state = 1 AND (decided_at > $2 OR next_at > $3);
