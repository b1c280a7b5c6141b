-- Pages of a watcher's snapshot, in the order of ids: an item never changes its place, so it can be told which entries of
-- the log a page already holds. Bytewise, as the service compares.
CREATE INDEX flag_watched ON rules.flag (group_id, rooftop COLLATE "C", flag_id COLLATE "C")
    WHERE NOT retracted AND closed_at IS NULL;
CREATE INDEX review_watched ON rules.review (group_id, rooftop COLLATE "C", review_id COLLATE "C")
    WHERE resolved_at IS NULL;
