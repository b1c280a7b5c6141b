delete from deal_state.deal_mark mark
using unnest($2::uuid[], $3::text[], $4::text[]) as gone(deal_id, kind, value)
where mark.part = $1 and mark.deal_id = gone.deal_id and mark.kind = gone.kind and mark.value = gone.value
