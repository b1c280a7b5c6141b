-- Feeds that are about to be changed, held in the order of the key; those that there are.
select feed.group_id, feed.rooftop, feed.source, feed.state, coalesce(feed.told_at, feed.last_recorded_at) as told_at
from unnest($1::text[], $2::text[], $3::text[]) as wanted (group_id, rooftop, source)
join ingestion.feed feed using (group_id, rooftop, source)
order by feed.group_id, feed.rooftop, feed.source
for update of feed
