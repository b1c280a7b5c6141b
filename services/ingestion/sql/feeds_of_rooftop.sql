-- The feeds of a rooftop that is about to be judged otherwise, held in the order of the key.
select source, state from ingestion.feed
where group_id = $1 and rooftop = $2
order by source
limit $3
for update
