-- What was answered to a webhook-id that may still come again.
select body, answer from ingestion.hook_delivery
where group_id = $1 and hook_id = $2 and id = $3 and expires_at > $4
