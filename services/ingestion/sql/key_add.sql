-- A key, as long as its group has fewer live ones than it may; no row comes back if not.
insert into directory.api_key (key_id, group_id, hash, display_name, scopes, rooftops, sources, created_at)
select $1, $2, $3, $4, $5, $6, $7, $8
where (select count(*) from directory.api_key where group_id = $2 and revoked_at is null) < $9
returning key_id
