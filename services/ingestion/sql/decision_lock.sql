select body, withdrawn_at from ingestion.decision where group_id = $1 and rooftop = $2 and id = $3 for update
