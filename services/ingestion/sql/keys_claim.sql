-- Claims event ids for this transaction. In the order of (part, key), so that processes that claim the same ids wait for each
-- other and never in a circle; what another transaction holds is waited for. Answers with the claims that won.
insert into ingestion.event_key (part, key, content, group_id)
select part, key, content, group_id
from unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[]) as claim (part, key, content, group_id)
order by part, key
on conflict do nothing
returning part, key
