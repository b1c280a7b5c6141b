-- A page of a group's keys by creation, behind a (created_at, key_id) if one is given.
select key_id, display_name, scopes, rooftops, sources, created_at, revoked_at
from directory.api_key
where group_id = $1 and ($2::timestamptz is null or (created_at, key_id) > ($2, $3))
order by created_at, key_id
limit $4
