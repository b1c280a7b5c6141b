-- Rooftops with their parts and what the directory said of each, without those that are known already.
select r.part, r.rooftop, r.body
from deal_state.rooftop r
where r.group_id = $1 and ($2::text[] is null or r.rooftop = any($2)) and r.rooftop <> all($3::text[])
order by r.rooftop
limit $4
