-- What is learnt of sources that are heard of.
select feed.group_id, feed.rooftop, feed.source, feed.state
from unnest($2::text[], $3::text[], $4::text[]) as wanted (group_id, rooftop, source)
join deal_state.source feed
  on feed.part = $1 and feed.group_id = wanted.group_id and feed.rooftop = wanted.rooftop and feed.source = wanted.source
