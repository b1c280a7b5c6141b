update directory.api_key set revoked_at = $3 where group_id = $1 and key_id = $2 and revoked_at is null
