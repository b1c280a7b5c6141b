-- A page of a group's imports, newest first, before a (created_at, id) if one is given; $4 null means all rooftops.
select id, rooftop, profile, version, state, coalesce(alive_until > now(), false) as "uploading!", current_file, counts, error,
       created_at, changed_at
from ingestion.import
where group_id = $1
  and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
  and ($4::text[] is null or rooftop = any($4))
order by created_at desc, id desc
limit $5
