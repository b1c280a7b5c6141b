-- What is kept of the staff and store events of rooftops from now on.
INSERT INTO rules.floor (part, group_id, rooftop, body)
SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::bytea[]) AS given
ON CONFLICT (part, group_id, rooftop) DO UPDATE SET body = EXCLUDED.body;
