-- Begins an upload: from here on a former one saves nothing any more.
update ingestion.import
set epoch = epoch + 1, alive_until = now() + $3 * interval '1 millisecond', changed_at = $4
where group_id = $1 and id = $2 and ended_at is null
returning rooftop, profile, definition, actor, live, epoch, counts
