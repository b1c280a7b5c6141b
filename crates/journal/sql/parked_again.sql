-- The retry failed: the entity stays parked until somebody asks again.
update {schema}.parked
set retry_at = null,
    tries = tries + case when pos = $6 then 1 else 0 end,
    error = case when pos = $6 then $7 else error end
where consumer = $1 and part = $2 and group_id = $3 and rooftop = $4 and entity = $5
