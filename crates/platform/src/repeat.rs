//! `request_id` (AIP-155): a repetition within a day answers as the first did.
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    db::Tx,
    failure::{Code, Failure, Reason},
};

/// A fingerprint of a request's body.
pub fn body_hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The first answer to this request, if there was one. Call it first in the transaction that also writes and then
/// [`remember`]s: a second caller with the same id waits here until the first has committed. Without an id nothing is
/// looked up.
pub async fn replayed(
    tx: &mut Tx,
    schema: &'static str,
    group: &str,
    request_id: &str,
    method: &str,
    body_hash: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(id) = parse(request_id)? else { return Ok(None) };
    sqlx::query_file!("sql/lock_request.sql", format!("{group}/{id}")).fetch_one(tx.conn()).await?;
    let found: Option<(String, Vec<u8>, Vec<u8>)> =
        sqlx::query_as(statement(schema, include_str!("../sql/replayed.sql")))
            .bind(group)
            .bind(id)
            .fetch_optional(tx.conn())
            .await?;
    match found {
        None => Ok(None),
        Some((first, hash, answer)) if first == method && hash == body_hash => Ok(Some(answer)),
        Some(_) => Err(Failure::new(
            Code::AlreadyExists,
            Reason::RequestIdReused,
            format!("request_id {request_id:?} came before with another body: use a new one"),
        )
        .with("request_id", request_id)),
    }
}

/// Keeps an answer for a day, in the transaction that did the work. Without an id nothing is kept.
pub async fn remember(
    tx: &mut Tx,
    schema: &'static str,
    group: &str,
    request_id: &str,
    method: &str,
    body_hash: &[u8],
    answer: &[u8],
) -> Result<(), Failure> {
    let Some(id) = parse(request_id)? else { return Ok(()) };
    sqlx::query(statement(schema, include_str!("../sql/remember.sql")))
        .bind(group)
        .bind(id)
        .bind(method)
        .bind(body_hash)
        .bind(answer)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets answers older than a day, a bounded number a call; for housekeeping. Returns how many.
pub async fn forget(tx: &mut Tx, schema: &'static str) -> Result<u64, Failure> {
    let done = sqlx::query(statement(schema, include_str!("../sql/forget.sql"))).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}

fn parse(request_id: &str) -> Result<Option<Uuid>, Failure> {
    if request_id.is_empty() {
        return Ok(None);
    }
    if !crate::name::is_request_id(request_id) {
        let shown = crate::name::shown(request_id);
        return Err(Failure::invalid("request_id", format!("{shown} is not a UUID of 36 characters")));
    }
    Ok(Uuid::try_parse(request_id).ok())
}

/// The schema is a constant of the service, never input.
fn statement(schema: &'static str, sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace("{schema}", schema))
}
