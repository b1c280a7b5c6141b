//! API keys: `tl_<key id>_<secret>`. Only a hash of the secret is kept; what was looked up is believed for 30 seconds.
mod cache;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use self::cache::Cache;
use crate::{
    Failure, Options, Principal,
    db::{Db, Role},
    principal::{Scope, SourcePattern},
};

const KNOWN_FOR: Duration = Duration::from_secs(30);
// A key that is unknown may be about to be made.
const UNKNOWN_FOR: Duration = Duration::from_secs(2);
const CACHED_KEYS: usize = 10_000;

/// Tells who calls.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

struct Inner {
    service_key: [u8; 32],
    db: Db,
    keys: Cache<Option<Arc<Key>>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

struct Key {
    hash: Vec<u8>,
    principal: Principal,
}

/// A key as it is made: shown once, kept as a hash.
#[derive(Clone)]
pub struct NewKey {
    /// Id, part of the name `groups/{group}/apiKeys/{key}`.
    pub key_id: String,
    /// The bearer token. Show it once and forget it.
    pub token: String,
    /// What to keep: SHA-256 of the secret.
    pub hash: [u8; 32],
}

impl NewKey {
    /// 64 random bits of id, in hexadecimal so that it holds no underscore, and 256 of secret.
    pub fn generate() -> Self {
        let key_id = format!("{:016x}", rand::random::<u64>());
        let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Self { token: format!("tl_{key_id}_{secret}"), hash: Sha256::digest(&secret).into(), key_id }
    }
}

impl Auth {
    /// With the service key of the options.
    pub fn new(options: &Options, db: Db) -> Result<Self, Failure> {
        if options.service_key.len() < 16 {
            return Err(Failure::invalid("service_key", "must have at least 16 characters"));
        }
        let service_key = Sha256::digest(&options.service_key).into();
        Ok(Self(Arc::new(Inner { service_key, db, keys: Cache::new(CACHED_KEYS) })))
    }

    /// Who shows this `authorization` header.
    pub async fn authenticate(&self, authorization: Option<&http::HeaderValue>) -> Result<Principal, Failure> {
        let token = authorization
            .ok_or_else(|| Failure::unauthenticated("no credentials: send authorization: Bearer <key>"))?
            .to_str()
            .ok()
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Failure::unauthenticated("the authorization header does not have the form Bearer <key>"))?;
        if equal(&Sha256::digest(token), &self.0.service_key) {
            return Ok(Principal::service());
        }
        let unknown = || Failure::unauthenticated("this key is not known, or was revoked");
        let (key_id, secret) = split(token).ok_or_else(unknown)?;
        let key = self.key(key_id).await?.ok_or_else(unknown)?;
        if equal(&Sha256::digest(secret), &key.hash) { Ok(key.principal.clone()) } else { Err(unknown()) }
    }

    /// Forgets a key that was just revoked; other processes do so within 30 seconds.
    pub fn forget(&self, key_id: &str) {
        self.0.keys.remove(key_id);
    }

    async fn key(&self, key_id: &str) -> Result<Option<Arc<Key>>, Failure> {
        if let Some(known) = self.0.keys.get(key_id, Instant::now()) {
            return Ok(known);
        }
        let found = self.load(key_id.to_owned()).await?;
        let keep = if found.is_some() { KNOWN_FOR } else { UNKNOWN_FOR };
        self.0.keys.insert(key_id.to_owned(), found.clone(), Instant::now(), keep);
        Ok(found)
    }

    /// As our own work: who calls is asked before any group is known.
    async fn load(&self, key_id: String) -> Result<Option<Arc<Key>>, Failure> {
        let asked = key_id.clone();
        let row = self
            .0
            .db
            .work(Role::Worker, |tx| {
                Box::pin(async move {
                    Ok::<_, Failure>(sqlx::query_file!("sql/find_key.sql", asked).fetch_optional(tx.conn()).await?)
                })
            })
            .await?;
        let Some(row) = row.filter(|row| !row.revoked) else { return Ok(None) };
        let principal = Principal {
            group: row.group_id,
            key_id,
            // What a newer version wrote and this one does not know grants nothing.
            scopes: row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect(),
            rooftops: Some(row.rooftops).filter(|rooftops| !rooftops.is_empty()).map(BTreeSet::from_iter),
            sources: row.sources.iter().filter_map(|source| SourcePattern::parse(source)).collect(),
            service: false,
        };
        if principal.sources.len() < row.sources.len() {
            return Err(Failure::internal(format!(
                "key {:?} has a source pattern that cannot be read",
                principal.key_id
            )));
        }
        Ok(Some(Arc::new(Key { hash: row.hash, principal })))
    }
}

fn split(token: &str) -> Option<(&str, &str)> {
    let (key_id, secret) = token.strip_prefix("tl_")?.split_once('_')?;
    let plain = !key_id.is_empty() && key_id.len() <= 64 && key_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some((key_id, secret))
}

/// Takes as long for a near miss as for a far one: both sides are hashed under a key that the caller can't know.
fn equal(given: &[u8], kept: &[u8]) -> bool {
    let key: [u8; 32] = rand::random();
    let mac = |bytes: &[u8]| <Hmac<Sha256> as KeyInit>::new_from_slice(&key).ok().map(|mac| mac.chain_update(bytes));
    match (mac(given), mac(kept)) {
        (Some(given), Some(kept)) => given.verify(&kept.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_splits_into_what_is_kept() {
        let key = NewKey::generate();
        let (id, secret) = split(&key.token).unwrap();
        assert_eq!(id, key.key_id);
        assert!(equal(&Sha256::digest(secret), &key.hash));
        assert!(!equal(&Sha256::digest("another"), &key.hash));
    }

    #[test]
    fn what_is_no_key_has_no_parts() {
        for wrong in ["", "tl_", "tl__secret", "tl_id", "key_id_secret", "tl_i d_secret"] {
            assert!(split(wrong).is_none(), "{wrong:?} was taken");
        }
    }
}
