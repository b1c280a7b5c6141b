//! What is known of live flags.

use jiff::Timestamp;
use throughline_platform::{db::Tx, jiff_sqlx::ToSqlx};

use super::{Error, stored_part, stored_severity};
use crate::domain::Flag;

/// Saves live flags of one part as they now stand; each flag once.
pub async fn save_flags(tx: &mut Tx, part: u16, flags: &[&Flag], now: Timestamp) -> Result<(), Error> {
    if flags.is_empty() {
        return Ok(());
    }
    let groups: Vec<_> = flags.iter().map(|flag| flag.group.clone()).collect();
    let ids: Vec<_> = flags.iter().map(|flag| flag.id.clone()).collect();
    let severities: Vec<_> = flags.iter().map(|flag| stored_severity(flag.severity)).collect();
    let opened_at: Vec<_> = flags.iter().map(|flag| flag.opened_at.to_sqlx()).collect();
    let closed_at: Vec<_> = flags.iter().map(|flag| flag.closed_at.map(ToSqlx::to_sqlx)).collect();
    let acknowledged: Vec<_> = flags.iter().map(|flag| flag.acknowledged).collect();
    let revisions: Vec<_> = flags.iter().map(|flag| stored_revision(flag.revision)).collect();
    sqlx::query_file!(
        "sql/save_flags.sql",
        stored_part(part),
        now.to_sqlx() as _,
        &groups,
        &ids,
        &severities,
        &opened_at as _,
        &closed_at as _,
        &acknowledged,
        &revisions
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that flags (group, id, revision) of one part never stood.
pub async fn retract_flags(tx: &mut Tx, part: u16, flags: &[(&str, &str, u64)], now: Timestamp) -> Result<(), Error> {
    if flags.is_empty() {
        return Ok(());
    }
    let groups: Vec<_> = flags.iter().map(|(group, ..)| (*group).to_owned()).collect();
    let ids: Vec<_> = flags.iter().map(|(_, id, _)| (*id).to_owned()).collect();
    let revisions: Vec<_> = flags.iter().map(|(.., revision)| stored_revision(*revision)).collect();
    sqlx::query_file!("sql/retract_flags.sql", stored_part(part), now.to_sqlx() as _, &groups, &ids, &revisions)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets flags that were over and last told of before an instant, at most `limit`; says how many.
pub async fn forget_flags(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query_file!("sql/forget_flags.sql", before.to_sqlx() as _, limit).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}

/// Revisions count up from 1 and never come near the limit.
fn stored_revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
