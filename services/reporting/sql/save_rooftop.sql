-- The zone in force; from now on all durations of the rooftop, old ones too, are cut by it.
INSERT INTO reporting.rooftop AS r (group_id, rooftop, zone) VALUES ($1, $2, $3)
ON CONFLICT (group_id, rooftop) DO UPDATE SET zone = excluded.zone WHERE r.zone <> excluded.zone
