-- Sources as they were last heard from.
INSERT INTO rules.feed (part, group_id, rooftop, source, heard)
SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS given
ON CONFLICT (part, group_id, rooftop, source) DO UPDATE SET heard = EXCLUDED.heard;
