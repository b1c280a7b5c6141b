-- Parts in which a step has not been reported for too long.
select part as "part!" from unnest($1::smallint[]) as mine (part)
where exists (
  select from deal_state.observed o where o.part = mine.part and not o.expired and o.expires_at <= $2
)
