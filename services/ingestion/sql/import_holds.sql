-- Whether an upload is under way.
select rooftop from ingestion.import
where group_id = $1 and id = $2 and epoch = $3 and ended_at is null and alive_until > now()
