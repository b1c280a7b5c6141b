-- The present secret becomes the former one, if it is to be accepted for a while.
update ingestion.hook_secret
set former = case when $4 then secret end, secret = $3
where group_id = $1 and hook_id = $2
