SELECT group_id, hash, scopes, rooftops, sources, revoked_at IS NOT NULL AS "revoked!"
FROM directory.api_key
WHERE key_id = $1
