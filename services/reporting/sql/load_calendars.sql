-- When rooftops are open.
SELECT r.rooftop, r.calendars
FROM reporting.rooftop r
WHERE r.group_id = $1 AND ($2::text[] IS NULL OR r.rooftop = ANY ($2))
