-- Feeds that were last heard of, or told of, ahead of the clock were so by now, and fall silent as much earlier.
update ingestion.feed
set stale_at = case when last_recorded_at > $1 then stale_at - (last_recorded_at - $2) else stale_at end,
    last_recorded_at = case when last_recorded_at > $1 then $2 else last_recorded_at end,
    told_at = case when told_at > $1 then $2 else told_at end
where last_recorded_at > $1 or told_at > $1
