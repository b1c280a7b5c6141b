-- What the directory said of these rooftops (nothing yet, maybe), and which types each observes, with the day of the last
-- report. LATERAL with LIMIT: see deals_before.sql.
select wanted.group_id as "group_id!", wanted.rooftop as "rooftop!", r.body as "body?",
       array(
         select o.event_type from deal_state.observed o
         where o.part = $1 and o.group_id = wanted.group_id and o.rooftop = wanted.rooftop and not o.expired
         order by o.event_type
       ) as "observed!",
       array(
         select o.last_reported_on from deal_state.observed o
         where o.part = $1 and o.group_id = wanted.group_id and o.rooftop = wanted.rooftop and not o.expired
         order by o.event_type
       ) as "days!: Vec<Option<jiff_sqlx::Date>>"
from unnest($2::text[], $3::text[]) as wanted(group_id, rooftop)
left join lateral (
  select known.body from deal_state.rooftop known
  where known.part = $1 and known.group_id = wanted.group_id and known.rooftop = wanted.rooftop
  limit 1
) r on true
