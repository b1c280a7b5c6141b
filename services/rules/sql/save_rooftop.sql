-- A rooftop as the log now tells of it. Its part is for ever.
INSERT INTO rules.rooftop (group_id, rooftop, part, body)
VALUES ($1, $2, $3, $4)
ON CONFLICT (group_id, rooftop) DO UPDATE SET body = EXCLUDED.body;
