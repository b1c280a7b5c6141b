//! When to look at deals again.

use jiff::Timestamp;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_process::Origin;
use throughline_proto::log::v1::TraceContext;

use super::{DealKey, Error, stored_part};
use crate::wire;

/// An alarm that rings.
#[derive(Debug)]
pub struct Due {
    pub key: DealKey,
    /// None: the deal is not kept any more, or later entries of it are parked.
    pub deal: Option<DueDeal>,
}

/// The deal that it rings for.
#[derive(Debug)]
pub struct DueDeal {
    pub origin: Origin,
    pub recorded_at: Timestamp,
    pub trace: TraceContext,
    /// Encoded `Deal`.
    pub body: Vec<u8>,
}

/// Which of these parts have an alarm at or before `until`.
pub async fn due_parts(tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, Error> {
    let parts: Vec<i16> = parts.iter().copied().map(stored_part).collect();
    let rows = sqlx::query_file!("sql/due_parts.sql", &parts, until.to_sqlx() as _).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().filter_map(|row| u16::try_from(row.part).ok()).collect())
}

/// The first `limit` alarms of a part at or before `until`, by time.
pub async fn load_due(tx: &mut Tx, part: u16, until: Timestamp, limit: i64) -> Result<Vec<Due>, Error> {
    let rows = sqlx::query_file!("sql/load_due.sql", stored_part(part), until.to_sqlx() as _, limit, crate::CONSUMER)
        .fetch_all(tx.conn())
        .await?;
    let due = rows.into_iter().map(|row| Due {
        key: DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.deal_id },
        deal: match (row.body, row.origin, row.recorded_at) {
            (Some(body), Some(origin), Some(recorded_at)) if !row.parked => Some(DueDeal {
                origin: wire::origin(origin.into()),
                recorded_at: recorded_at.to_jiff(),
                trace: TraceContext {
                    traceparent: row.traceparent.unwrap_or_default(),
                    tracestate: row.tracestate.unwrap_or_default(),
                },
                body,
            }),
            _ => None,
        },
    });
    Ok(due.collect())
}

/// Has deals of a part that were judged after `latest` judged again at `rule_time`, and says how many.
pub async fn put_right(tx: &mut Tx, part: u16, latest: Timestamp, rule_time: Timestamp) -> Result<u64, Error> {
    let done =
        sqlx::query_file!("sql/put_right.sql", stored_part(part), latest.to_sqlx() as _, rule_time.to_sqlx() as _)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}

/// Makes missing alarms anew, at most `limit`, and says how many.
pub async fn restore_alarms(tx: &mut Tx, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query_file!("sql/restore_alarms.sql", limit).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}
