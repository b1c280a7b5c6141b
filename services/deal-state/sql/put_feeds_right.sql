-- Sources that were last heard of ahead of the clock were heard of by now, and fall silent as much earlier. Followers are
-- told of them anew with the next event.
update deal_state.source
set stale_at = stale_at - (last_recorded_at - $3),
    last_recorded_at = $3,
    told_at = null
where part = $1 and last_recorded_at > $2
