-- Keeps an answer, unless there is one that still counts: of two that come at once the first is kept. A hook that was deleted
-- meanwhile keeps nothing.
insert into ingestion.hook_delivery as kept (group_id, hook_id, id, body, answer, expires_at)
select hook.group_id, hook.hook_id, $3, $4, $5, $6
from ingestion.hook hook
where hook.group_id = $1 and hook.hook_id = $2
for key share
on conflict (group_id, hook_id, id) do update
set body = excluded.body, answer = excluded.answer, expires_at = excluded.expires_at
where kept.expires_at <= $7
