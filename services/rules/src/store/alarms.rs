//! When to look at deals again.

use std::collections::HashMap;

use jiff::Timestamp;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_process::Origin;
use throughline_proto::log::v1::TraceContext;

use super::{DealKey, Error, deals::Keys, stored_part};
use crate::wire;

/// Entity of what concerns all deals of a rooftop: its own entries, and alarms of a rooftop that cannot be read.
pub const ROOFTOP: &str = "rooftop";

/// A deal whose alarm fires.
#[derive(Debug)]
pub struct DueDeal {
    pub origin: Origin,
    pub recorded_at: Timestamp,
    pub trace: TraceContext,
    /// Encoded `Deal`.
    pub body: Vec<u8>,
}

/// Which of these parts have an alarm at or before `until` that does not rest.
pub async fn due_parts(tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, Error> {
    let parts: Vec<i16> = parts.iter().copied().map(stored_part).collect();
    let rows = sqlx::query_file!("sql/due_parts.sql", &parts, until.to_sqlx() as _, crate::CONSUMER, ROOFTOP)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().filter_map(|row| u16::try_from(row.part).ok()).collect())
}

/// Deals of the first `limit` alarms of a part at or before `until` that do not rest, by time.
pub async fn list_due(tx: &mut Tx, part: u16, until: Timestamp, limit: i64) -> Result<Vec<DealKey>, Error> {
    let rows =
        sqlx::query_file!("sql/list_due.sql", stored_part(part), until.to_sqlx() as _, crate::CONSUMER, ROOFTOP, limit)
            .fetch_all(tx.conn())
            .await?;
    let due = rows.into_iter().map(|row| DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.subject });
    Ok(due.collect())
}

/// Those of these deals that are kept.
pub async fn load_due(tx: &mut Tx, part: u16, keys: &[DealKey]) -> Result<HashMap<DealKey, DueDeal>, Error> {
    let Keys { groups, rooftops, deals } = keys.iter().collect();
    let rows = sqlx::query_file!("sql/load_due.sql", stored_part(part), &groups, &rooftops, &deals)
        .fetch_all(tx.conn())
        .await?;
    let due = rows.into_iter().map(|row| {
        let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.deal_id };
        let trace = TraceContext { traceparent: row.traceparent, tracestate: row.tracestate };
        let origin = wire::origin(row.origin.into());
        (key, DueDeal { origin, recorded_at: row.recorded_at.to_jiff(), trace, body: row.body })
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
