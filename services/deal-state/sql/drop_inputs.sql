-- What a deal holds no more, because it has too many events.
delete from deal_state.fold_input kept
using unnest($2::uuid[], $3::uuid[]) as gone(anchor, event)
where kept.part = $1 and kept.anchor = gone.anchor and kept.event = gone.event
