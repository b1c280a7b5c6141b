update ingestion.decision set withdrawn_at = $4 where group_id = $1 and rooftop = $2 and id = $3
