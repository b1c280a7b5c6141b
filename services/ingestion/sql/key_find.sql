select key_id, display_name, scopes, rooftops, sources, created_at, revoked_at
from directory.api_key
where group_id = $1 and key_id = $2
