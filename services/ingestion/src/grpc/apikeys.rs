//! API keys: made, listed and revoked by administrators, never wider than the key that does it.

use throughline_platform::{Failure, Principal, auth::NewKey, db::Role, name, principal::Scope};
use throughline_proto::{
    tenant::v1::{
        ApiKey, Caller, CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse,
        RevokeApiKeyRequest,
    },
    time::to_wire,
};

use super::{
    Directory,
    request::{self, Pages, Place},
};
use crate::{
    domain::api_key::{MOST_KEYS, admit, within},
    store::keys,
};

const KEY: &str = "groups/{group}/apiKeys/{key}";

pub(super) async fn create(
    directory: &Directory,
    principal: Principal,
    asked: CreateApiKeyRequest,
) -> Result<CreateApiKeyResponse, Failure> {
    principal.require(Scope::Admin)?;
    let principal = principal.in_group(&asked.parent)?;
    let actor = request::actor(asked.actor)?;
    let wanted = asked.api_key.ok_or_else(|| Failure::invalid("api_key", "is missing"))?;
    let content = admit(wanted, &principal)?;
    let (group, now, key) = (principal.group.clone(), directory.cx.clock.now(), NewKey::generate());
    let api_key = ApiKey {
        name: format!("groups/{group}/apiKeys/{}", key.key_id),
        create_time: Some(to_wire(now)),
        revoke_time: None,
        ..content
    };
    let (kept, secret) = (api_key.clone(), key.token.clone());
    let added = directory
        .cx
        .db
        .work(Role::Appender, move |tx| {
            Box::pin(async move {
                if keys::find_group(tx, &group).await?.is_none() {
                    return Err(Failure::not_found("group", group));
                }
                keys::add(tx, &group, &key, &kept, now, MOST_KEYS).await
            })
        })
        .await?;
    if !added {
        return Err(Failure::precondition(format!("the group has {MOST_KEYS} live keys: revoke one first")));
    }
    tracing::info!(key = api_key.name, by = principal.key_id, actor, "a key was made");
    Ok(CreateApiKeyResponse { api_key: Some(api_key), secret })
}

pub(super) async fn list(
    directory: &Directory,
    principal: Principal,
    asked: ListApiKeysRequest,
) -> Result<ListApiKeysResponse, Failure> {
    principal.require(Scope::Admin)?;
    let principal = principal.in_group(&asked.parent)?;
    let pages = Pages::new(&directory.cx.sealer, "keys", &principal, &[&asked.parent], asked.page_size, 100)?;
    let after = match pages.open(&asked.page_token)? {
        None => None,
        Some(place) => Some(place.instant().map(|(at, id)| (at, id.to_owned()))?),
    };
    let (group, limit) = (principal.group.clone(), pages.limit());
    let mut rows = directory
        .cx
        .db
        .read(&principal, move |tx| {
            Box::pin(
                async move { keys::page(tx, &group, after.as_ref().map(|(at, id)| (*at, id.as_str())), limit).await },
            )
        })
        .await?;
    let next_page_token = pages.cut(&mut rows, |(_, (at, id))| Place::at(*at, id));
    Ok(ListApiKeysResponse { api_keys: rows.into_iter().map(|(key, _)| key).collect(), next_page_token })
}

/// The key that calls; our own services have none, and belong to no group.
pub(super) async fn caller(directory: &Directory, principal: Principal) -> Result<Caller, Failure> {
    if principal.service {
        return Ok(Caller::default());
    }
    let (group, key_id) = (principal.group.clone(), principal.key_id.clone());
    let api_key = directory
        .cx
        .db
        .read(&principal, move |tx| Box::pin(async move { keys::find(tx, &group, &key_id).await }))
        .await?;
    Ok(Caller { group: format!("groups/{}", principal.group), api_key })
}

pub(super) async fn revoke(
    directory: &Directory,
    principal: Principal,
    asked: RevokeApiKeyRequest,
) -> Result<ApiKey, Failure> {
    principal.require(Scope::Admin)?;
    let principal = principal.in_group(&asked.name)?;
    let actor = request::actor(asked.actor)?;
    let key_id = name::parse(KEY, &asked.name)?[1].to_owned();
    let (caller, now, id) = (principal.clone(), directory.cx.clock.now(), key_id.clone());
    let revoked = directory
        .cx
        .db
        .work(Role::Appender, move |tx| {
            Box::pin(async move {
                let group = &caller.group;
                let found = keys::lock(tx, group, &id).await?;
                let mut key = found.ok_or_else(|| Failure::not_found("key", asked.name))?;
                within(&key.rooftops, &key.sources, &caller)?;
                if key.revoke_time.is_none() {
                    keys::revoke(tx, group, &id, now).await?;
                    key.revoke_time = Some(to_wire(now));
                }
                Ok::<_, Failure>(key)
            })
        })
        .await?;
    directory.cx.auth.forget(&key_id);
    tracing::info!(key = revoked.name, by = principal.key_id, actor, "a key was revoked");
    Ok(revoked)
}
