-- Which of these are kept apart already.
select kept.group_id, kept.id
from unnest($1::text[], $2::uuid[]) as asked (group_id, id)
join ingestion.quarantine kept using (group_id, id)
