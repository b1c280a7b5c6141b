select id, rooftop, profile, version, state, coalesce(alive_until > now(), false) as "uploading!", current_file, counts, error,
       created_at, changed_at
from ingestion.import
where group_id = $1 and id = $2
