-- What is learnt of sources that are heard of, and which steps they report. LATERAL with LIMIT: see
-- deals_before.sql.
select feed.group_id, feed.rooftop, feed.source, feed.state, feed.stale_at, feed.told_at,
       array(
         select r.event_type from deal_state.reported r
         where r.part = $1 and r.group_id = feed.group_id and r.rooftop = feed.rooftop and r.source = feed.source
         order by r.event_type
       ) as "types!",
       array(
         select r.last_reported_on from deal_state.reported r
         where r.part = $1 and r.group_id = feed.group_id and r.rooftop = feed.rooftop and r.source = feed.source
         order by r.event_type
       ) as "days!: Vec<jiff_sqlx::Date>"
from unnest($2::text[], $3::text[], $4::text[]) as wanted (group_id, rooftop, source)
cross join lateral (
  select * from deal_state.source known
  where known.part = $1 and known.group_id = wanted.group_id and known.rooftop = wanted.rooftop and known.source = wanted.source
  limit 1
) feed
