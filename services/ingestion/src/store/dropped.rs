//! Contents that were dropped at the watched folder: who reads each, and how far.

use jiff::{SignedDuration, Timestamp};
use throughline_platform::{Failure, db::Tx, jiff_sqlx};
use uuid::Uuid;

use super::at;

/// How long a taker is believed to be there without being heard of, by the injected clock.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// A content of a profile of a rooftop.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) group: String,
    pub(crate) rooftop: String,
    pub(crate) profile: String,
    /// BLAKE3.
    pub(crate) hash: [u8; 32],
}

/// Which taker of a content saves.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) content: Content,
    pub(crate) epoch: i64,
}

/// A content as it stands; locked.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) import: Option<Uuid>,
    pub(crate) state: State,
    /// Somebody reads it.
    pub(crate) leased: bool,
    pub(crate) rows_done: u64,
}

/// Whether a content is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Done,
    /// With the reason.
    Failed(String),
}

fn lease(now: Timestamp) -> Result<jiff_sqlx::Timestamp, Failure> {
    now.checked_add(LEASE).map(at).map_err(Failure::internal)
}

/// Holds a content until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, content: &Content, now: Timestamp) -> Result<Locked, Failure> {
    let Content { group, rooftop, profile, hash } = content;
    sqlx::query_file!("sql/dropped_made.sql", group, rooftop, profile, hash, at(now) as jiff_sqlx::Timestamp)
        .execute(tx.conn())
        .await?;
    let row = sqlx::query_file!("sql/dropped_lock.sql", group, rooftop, profile, hash).fetch_one(tx.conn()).await?;
    Ok(Locked {
        import: row.import_id,
        state: match row.state {
            1 => State::Open,
            2 => State::Done,
            3 => State::Failed(row.why),
            other => return Err(Failure::internal(format!("a dropped file of state {other}"))),
        },
        leased: row.leased_until.is_some_and(|until| until.to_jiff() > now),
        rows_done: row.rows_done.cast_unsigned(),
    })
}

/// Takes a locked content for an import, which shuts a former taker out.
pub(crate) async fn take(
    tx: &mut Tx,
    content: Content,
    import: Uuid,
    owner: Uuid,
    now: Timestamp,
) -> Result<Held, Failure> {
    let row = sqlx::query_file!(
        "sql/dropped_take.sql",
        content.group,
        content.rooftop,
        content.profile,
        &content.hash,
        import,
        owner,
        lease(now)? as jiff_sqlx::Timestamp,
        at(now) as jiff_sqlx::Timestamp,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Held { content, epoch: row.epoch })
}

/// Notes how far a content is read; false if another one took it.
pub(crate) async fn save(tx: &mut Tx, held: &Held, rows_done: u64, now: Timestamp) -> Result<bool, Failure> {
    let Content { group, rooftop, profile, hash } = &held.content;
    let saved = sqlx::query_file!(
        "sql/dropped_save.sql",
        group,
        rooftop,
        profile,
        hash,
        held.epoch,
        rows_done.cast_signed(),
        lease(now)? as jiff_sqlx::Timestamp,
    )
    .execute(tx.conn())
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// Notes that a content is read; false if another one took it. A reason means that it failed.
pub(crate) async fn end(tx: &mut Tx, held: &Held, why: &str, now: Timestamp) -> Result<bool, Failure> {
    let Content { group, rooftop, profile, hash } = &held.content;
    let state: i16 = if why.is_empty() { 2 } else { 3 };
    let ended = sqlx::query_file!(
        "sql/dropped_end.sql",
        group,
        rooftop,
        profile,
        hash,
        held.epoch,
        state,
        why,
        at(now) as jiff_sqlx::Timestamp,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Says that a taker has left a content.
pub(crate) async fn left(tx: &mut Tx, held: &Held) -> Result<(), Failure> {
    let Content { group, rooftop, profile, hash } = &held.content;
    sqlx::query_file!("sql/dropped_left.sql", group, rooftop, profile, hash, held.epoch).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets at most `most` contents of which nothing was heard since an instant; answers how many.
pub(crate) async fn expire(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, Failure> {
    let gone = sqlx::query_file!("sql/dropped_expired.sql", at(before) as jiff_sqlx::Timestamp, most)
        .execute(tx.conn())
        .await?;
    Ok(gone.rows_affected())
}
