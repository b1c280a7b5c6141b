//! What is known of flags that somebody is or was to be told of.

use jiff::Timestamp;
use throughline_journal::EntityKey;
use throughline_platform::{db::Tx, jiff_sqlx::ToSqlx};
use throughline_proto::log::v1::TraceContext;

use super::{Error, stored_part, stored_severity};
use crate::domain::Flag;

/// A flag as the log now tells of it.
#[derive(Clone, Debug)]
pub struct Saved {
    pub flag: Flag,
    /// None: nobody is to be told of it as it stands.
    pub undecided: Option<Undecided>,
}

/// What deciding about a flag needs, once the log is complete past the entry that changed it.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// When that entry was recorded.
    pub recorded_at: Timestamp,
    /// Encoded `throughline.rule.v1.Flag`.
    pub content: Vec<u8>,
    /// In which trace.
    pub trace: TraceContext,
}

/// Saves flags of one part as they now stand; each flag once. One that nobody is to be told of is saved only if it is known.
pub async fn save_flags(tx: &mut Tx, part: u16, flags: &[&Saved], now: Timestamp) -> Result<(), Error> {
    if flags.is_empty() {
        return Ok(());
    }
    let groups: Vec<_> = flags.iter().map(|saved| saved.flag.group.clone()).collect();
    let ids: Vec<_> = flags.iter().map(|saved| saved.flag.id.clone()).collect();
    let rooftops: Vec<_> = flags.iter().map(|saved| saved.flag.rooftop.clone()).collect();
    let severities: Vec<_> = flags.iter().map(|saved| stored_severity(saved.flag.severity)).collect();
    let opened_at: Vec<_> = flags.iter().map(|saved| saved.flag.opened_at.to_sqlx()).collect();
    let closed_at: Vec<_> = flags.iter().map(|saved| saved.flag.closed_at.map(ToSqlx::to_sqlx)).collect();
    let acknowledged: Vec<_> = flags.iter().map(|saved| saved.flag.acknowledged).collect();
    let history: Vec<_> = flags.iter().map(|saved| saved.flag.history_recorded_at.map(ToSqlx::to_sqlx)).collect();
    let revisions: Vec<_> = flags.iter().map(|saved| stored_revision(saved.flag.revision)).collect();
    let undecided = || flags.iter().map(|saved| saved.undecided.as_ref());
    let undecided_at: Vec<_> = undecided().map(|mark| mark.map(|mark| mark.recorded_at.to_sqlx())).collect();
    let contents: Vec<_> = undecided().map(|mark| mark.map(|mark| mark.content.clone())).collect();
    let traceparents: Vec<_> = undecided().map(|mark| mark.map(|mark| mark.trace.traceparent.clone())).collect();
    let tracestates: Vec<_> = undecided().map(|mark| mark.map(|mark| mark.trace.tracestate.clone())).collect();
    sqlx::query_file!(
        "sql/save_flags.sql",
        stored_part(part),
        now.to_sqlx() as _,
        &groups,
        &ids,
        &rooftops,
        &severities,
        &opened_at as _,
        &closed_at as _,
        &acknowledged,
        &history as _,
        &revisions,
        &undecided_at as _,
        &contents as _,
        &traceparents as _,
        &tracestates as _
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

/// Which of these parts have a flag that was last changed before `until` and is not decided on.
pub async fn undecided_parts(tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, Error> {
    let parts: Vec<i16> = parts.iter().copied().map(stored_part).collect();
    let rows = sqlx::query_file!("sql/undecided_parts.sql", &parts, until.to_sqlx() as _, crate::CONSUMER)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().filter_map(|row| u16::try_from(row.part).ok()).collect())
}

/// A flag that is to be decided on.
#[derive(Clone, Debug)]
pub struct UndecidedFlag {
    pub group: String,
    pub rooftop: String,
    pub id: String,
    /// Encoded `throughline.rule.v1.Flag`.
    pub content: Vec<u8>,
    pub trace: TraceContext,
}

/// The first `limit` flags of a part that were last changed before `until` and are not decided on, by the time of the change.
pub async fn list_undecided(tx: &mut Tx, part: u16, until: Timestamp, limit: i64) -> Result<Vec<EntityKey>, Error> {
    let rows =
        sqlx::query_file!("sql/list_undecided.sql", stored_part(part), until.to_sqlx() as _, crate::CONSUMER, limit)
            .fetch_all(tx.conn())
            .await?;
    let flags =
        rows.into_iter().map(|row| EntityKey { group: row.group_id, rooftop: row.rooftop, entity: row.flag_id });
    Ok(flags.collect())
}

/// Those of these flags that are not decided on, by the time of the change. They count as decided from here on.
pub async fn take_undecided(tx: &mut Tx, part: u16, flags: &[EntityKey]) -> Result<Vec<UndecidedFlag>, Error> {
    let groups: Vec<_> = flags.iter().map(|flag| flag.group.clone()).collect();
    let ids: Vec<_> = flags.iter().map(|flag| flag.entity.clone()).collect();
    let rows =
        sqlx::query_file!("sql/take_undecided.sql", stored_part(part), &groups, &ids).fetch_all(tx.conn()).await?;
    let flags = rows.into_iter().map(|row| UndecidedFlag {
        group: row.group_id,
        rooftop: row.rooftop,
        id: row.flag_id,
        content: row.content,
        trace: TraceContext { traceparent: row.traceparent, tracestate: row.tracestate },
    });
    Ok(flags.collect())
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
