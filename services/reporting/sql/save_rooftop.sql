-- The zone and the calendars in force; from now on all durations of the rooftop, old ones too, are cut and reckoned by them.
INSERT INTO reporting.rooftop AS r (group_id, rooftop, zone, calendars) VALUES ($1, $2, $3, $4)
ON CONFLICT (group_id, rooftop) DO UPDATE SET zone = excluded.zone, calendars = excluded.calendars
WHERE (r.zone, r.calendars) <> (excluded.zone, excluded.calendars)
