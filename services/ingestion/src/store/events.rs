//! Event ids and the content that they stand for.

use std::collections::{HashMap, HashSet};

use throughline_platform::{Failure, db::Tx};
use uuid::Uuid;

use crate::domain::ledger::Claim;

/// Claims ids for this transaction, sorted as [`crate::domain::ledger::first_claims`] sorts them; answers with those that were
/// not claimed before. `groups` says whose each is.
pub(crate) async fn claim(tx: &mut Tx, claims: &[Claim], groups: &[&str]) -> Result<HashSet<(u16, Uuid)>, Failure> {
    let parts: Vec<i16> = claims.iter().map(|claim| claim.part as i16).collect();
    let keys: Vec<Uuid> = claims.iter().map(|claim| claim.key).collect();
    let contents: Vec<Uuid> = claims.iter().map(|claim| claim.content).collect();
    let won = sqlx::query_file!("sql/keys_claim.sql", &parts, &keys, &contents, groups as &[&str])
        .fetch_all(tx.conn())
        .await?;
    Ok(won.into_iter().map(|row| (row.part as u16, row.key)).collect())
}

/// What ids that were claimed before stand for.
pub(crate) async fn stored(tx: &mut Tx, claims: &[Claim]) -> Result<HashMap<(u16, Uuid), Uuid>, Failure> {
    let parts: Vec<i16> = claims.iter().map(|claim| claim.part as i16).collect();
    let keys: Vec<Uuid> = claims.iter().map(|claim| claim.key).collect();
    let stored = sqlx::query_file!("sql/keys_stored.sql", &parts, &keys).fetch_all(tx.conn()).await?;
    Ok(stored.into_iter().map(|row| ((row.part as u16, row.key), row.content)).collect())
}
