insert into directory.rooftop (group_id, rooftop_id, part, zone, body, revision, created_at, changed_at, watch)
values ($1, $2, $3, $4, $5, 1, $6, $6, $7)
