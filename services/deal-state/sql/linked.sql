-- Every linking key of every deal that one of these keys points to, of these deals, and of every deal that tells of the
-- same sale as one of them, or of one of these sales, at most so many of each sale; and of every deal about which a person
-- decided together with one of them. LATERAL with LIMIT or OFFSET looks each up by its key: a plan made while the table was
-- small reads the whole part otherwise.
with recursive reached (deal_id) as (
  (
    select found.deal_id
    from unnest($2::uuid[]) as wanted (key)
    join lateral (
      select k.deal_id from deal_state.deal_key k where k.part = $1 and k.key = wanted.key limit 1
    ) found on true
    union
    select unnest($3::uuid[])
    union
    select told.deal_id
    from unnest($4::text[], $5::text[], $6::text[]) as wanted (group_id, rooftop, sale)
    join lateral (
      select k.deal_id from deal_state.deal_key k
      where k.part = $1 and k.kind in ('sale', 'decision') and k.kind = 'sale' and k.rooftop = wanted.rooftop and k.value = wanted.sale
        and k.group_id = wanted.group_id
      limit $7
    ) told on true
  )
  union
  select other.deal_id
  from reached
  join lateral (
    select * from deal_state.deal_key of_deal where of_deal.part = $1 and of_deal.deal_id = reached.deal_id offset 0
  ) mine on mine.kind in ('sale', 'decision')
  join lateral (
    select k.deal_id from deal_state.deal_key k
    where k.part = $1 and k.kind in ('sale', 'decision') and k.rooftop = mine.rooftop and k.value = mine.value
      and k.kind = mine.kind and k.group_id = mine.group_id
    limit $7
  ) other on true
)
select k.key as "key!", k.group_id as "group_id!", k.rooftop as "rooftop!", k.kind as "kind!", k.scope as "scope!",
       k.value as "value!", coalesce(k.core, k.deal_id) as "core!", k.deal_id as "deal_id!"
from reached
join lateral (
  select * from deal_state.deal_key of_deal where of_deal.part = $1 and of_deal.deal_id = reached.deal_id offset 0
) k on true
