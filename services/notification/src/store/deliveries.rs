//! Decisions and what became of them.

use std::collections::HashSet;

use jiff::Timestamp;
use throughline_platform::pages::After;
use throughline_platform::{db::Tx, jiff_sqlx, jiff_sqlx::ToSqlx};
use throughline_proto::log::v1::TraceContext;
use uuid::Uuid;

use super::{Error, read_attempts, read_severity, stored_part, stored_severity};
use crate::{
    domain::{Severity, Withheld},
    wire::{Delivery, DeliveryState},
};

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub struct Decided {
    pub id: Uuid,
    pub group: String,
    pub route: String,
    pub rooftop: String,
    pub flag: String,
    pub step: Severity,
    pub step_at: Timestamp,
    /// JSON.
    pub body: String,
    /// The sending is a child of this.
    pub trace: TraceContext,
}

/// Saves messages of one part, to be sent at once, and answers with the ids of those that were not decided before.
pub async fn save_decisions(
    tx: &mut Tx,
    part: u16,
    decided: &[Decided],
    now: Timestamp,
) -> Result<HashSet<Uuid>, Error> {
    if decided.is_empty() {
        return Ok(HashSet::new());
    }
    let groups: Vec<_> = decided.iter().map(|one| one.group.clone()).collect();
    let ids: Vec<_> = decided.iter().map(|one| one.id).collect();
    let routes: Vec<_> = decided.iter().map(|one| one.route.clone()).collect();
    let rooftops: Vec<_> = decided.iter().map(|one| one.rooftop.clone()).collect();
    let flags: Vec<_> = decided.iter().map(|one| one.flag.clone()).collect();
    let steps: Vec<_> = decided.iter().map(|one| stored_severity(one.step)).collect();
    let step_at: Vec<_> = decided.iter().map(|one| one.step_at.to_sqlx()).collect();
    let bodies: Vec<_> = decided.iter().map(|one| one.body.clone()).collect();
    let traceparents: Vec<_> = decided.iter().map(|one| one.trace.traceparent.clone()).collect();
    let tracestates: Vec<_> = decided.iter().map(|one| one.trace.tracestate.clone()).collect();
    let rows = sqlx::query_file!(
        "sql/save_decisions.sql",
        stored_part(part),
        now.to_sqlx() as _,
        &groups,
        &ids,
        &routes,
        &rooftops,
        &flags,
        &steps,
        &step_at as _,
        &bodies,
        &traceparents,
        &tracestates
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.delivery_id).collect())
}

/// Withholds what was decided for a route that leads nowhere any more; says how much.
pub async fn withhold_of_route(
    tx: &mut Tx,
    group: &str,
    route: &str,
    why: Withheld,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query_file!("sql/withhold_of_route.sql", group, route, why.as_str(), now.to_sqlx() as _)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Which messages, newest first.
#[derive(Clone, Debug)]
pub struct DeliveriesQuery {
    pub group: String,
    /// What the caller's key is held to.
    pub rooftops: Option<Vec<String>>,
    /// (rooftop, flag): of this flag alone.
    pub flag: Option<(String, String)>,
    pub after: Option<After>,
    pub limit: i64,
}

struct Row {
    delivery_id: Uuid,
    route_id: String,
    rooftop: String,
    flag_id: String,
    step: i16,
    state: i16,
    attempts: i32,
    last_result: String,
    decided_at: jiff_sqlx::Timestamp,
    ended_at: Option<jiff_sqlx::Timestamp>,
}

/// A page of messages, each with where the next page would begin.
pub async fn list_deliveries(tx: &mut Tx, query: DeliveriesQuery) -> Result<Vec<(After, Delivery)>, Error> {
    let DeliveriesQuery { group, rooftops, flag, after, limit } = query;
    let at = after.as_ref().map(|after| after.at.to_sqlx());
    let id = after.map(|after| Uuid::parse_str(&after.id)).transpose();
    let id = id.map_err(|why| Error::Unreadable { what: "page token", why: why.to_string() })?;
    let rooftops = rooftops.as_deref();
    let rows = match flag {
        Some((rooftop, flag)) => {
            sqlx::query_file_as!(Row, "sql/list_deliveries_of_flag.sql", group, rooftop, flag, at as _, id, limit)
                .fetch_all(tx.conn())
                .await?
        }
        None => {
            sqlx::query_file_as!(Row, "sql/list_deliveries.sql", group, rooftops as _, at as _, id, limit)
                .fetch_all(tx.conn())
                .await?
        }
    };
    let page = rows.into_iter().map(|row| {
        let after = After { at: row.decided_at.to_jiff(), id: row.delivery_id.to_string() };
        Ok((after, read(row)?))
    });
    page.collect()
}

fn read(row: Row) -> Result<Delivery, Error> {
    let state = DeliveryState::try_from(i32::from(row.state))
        .map_err(|why| Error::Unreadable { what: "state of a delivery", why: why.to_string() })?;
    Ok(Delivery {
        id: row.delivery_id,
        route: row.route_id,
        rooftop: row.rooftop,
        flag: row.flag_id,
        step: read_severity(row.step)?,
        state,
        attempts: read_attempts(row.attempts),
        last_result: row.last_result,
        decided_at: row.decided_at.to_jiff(),
        ended_at: row.ended_at.map(jiff_sqlx::Timestamp::to_jiff),
    })
}

/// Forgets messages that ended before an instant, at most `limit`; says how many.
pub async fn forget_deliveries(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query_file!("sql/forget_deliveries.sql", before.to_sqlx() as _, limit).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}
