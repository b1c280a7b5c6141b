-- Newest first, behind a place if one is given.
select id, body, created_at, withdrawn_at from ingestion.decision
where group_id = $1 and rooftop = $2 and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
order by created_at desc, id desc
limit $5
