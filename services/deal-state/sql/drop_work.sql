-- What stands on no list any more, of deals that changed or were taken over.
delete from deal_state.worklist listed
where listed.part = $1 and listed.deal_id = any($2)
  and not exists (
    select from unnest($3::uuid[], $4::smallint[], $5::text[]) as now(deal_id, list, instance)
    where now.deal_id = listed.deal_id and now.list = listed.list and now.instance = listed.instance
  )
