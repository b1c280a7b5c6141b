update ingestion.hook set rotated_at = $3, former_until = $4 where group_id = $1 and hook_id = $2
