//! What is to be sent: claimed, then settled.

use std::time::Duration;

use jiff::Timestamp;
use throughline_platform::{db::Tx, jiff_sqlx, jiff_sqlx::ToSqlx, signature::Secret};
use throughline_proto::log::v1::TraceContext;
use uuid::Uuid;

use super::{Error, read_attempts, read_part, readable::Readable, stored_attempts, stored_part};
use crate::{
    domain::{ChannelKind, RouteState, Standing},
    wire::DeliveryState,
};

/// How much is wanted, and from whom nothing more.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Due by then, on the injected clock.
    pub now: Timestamp,
    pub busy_routes: Vec<String>,
    pub busy_groups: Vec<String>,
    pub most_of_route: i64,
    pub most_of_group: i64,
    pub most: i64,
    /// For so long nobody else sends them.
    pub lease: Duration,
}

/// Where a message goes.
#[derive(Clone, Debug)]
pub enum Destination {
    Log,
    Webhook { url: String, secret: Secret },
}

/// A message that is ours to send.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub part: u16,
    pub group: String,
    pub id: Uuid,
    /// Who says what becomes of it.
    pub lease: Uuid,
    pub route: String,
    pub route_state: RouteState,
    pub destination: Destination,
    pub flag: Standing,
    pub step_at: Timestamp,
    /// Tries before this one.
    pub attempts: u32,
    /// JSON.
    pub body: String,
    pub trace: TraceContext,
}

/// Has messages of a part that were decided on after `latest`, or are due after `latest_due`, be due at `now`, and says how
/// many.
pub async fn put_right(
    tx: &mut Tx,
    part: u16,
    latest: Timestamp,
    latest_due: Timestamp,
    now: Timestamp,
) -> Result<u64, Error> {
    let done = sqlx::query_file!(
        "sql/put_right.sql",
        stored_part(part),
        latest.to_sqlx() as _,
        latest_due.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// A message that is ours to send and cannot be read.
#[derive(Clone, Debug)]
pub struct Unread {
    pub group: String,
    pub id: Uuid,
    pub channel: ChannelKind,
    /// Tries before this one.
    pub attempts: u32,
    /// What cannot be read, without content.
    pub why: String,
    /// As it is stored.
    part: i16,
    lease: Uuid,
}

/// What was claimed.
#[derive(Debug, Default)]
pub struct Due {
    pub claimed: Vec<Claimed>,
    pub unread: Vec<Unread>,
}

/// Takes messages that are due. One that cannot be read keeps no other from being sent.
pub async fn claim(tx: &mut Tx, claim: Claim) -> Result<Due, Error> {
    let lease = Uuid::new_v4();
    let rows = sqlx::query_file!(
        "sql/claim.sql",
        claim.now.to_sqlx() as _,
        &claim.busy_routes,
        &claim.busy_groups,
        claim.most_of_route,
        claim.most_of_group,
        claim.most,
        lease,
        claim.lease.as_secs_f64()
    )
    .fetch_all(tx.conn())
    .await?;
    let mut due = Due::default();
    for row in rows {
        let (destination, signed) = match (row.url, row.secret) {
            (Some(url), Some(secret)) => (Destination::Webhook { url, secret: Secret::new(secret) }, true),
            // They are written and removed together; without a secret nothing can be sent, and nothing else is held up.
            (Some(_), None) => (Destination::Log, false),
            (None, _) => (Destination::Log, true),
        };
        let unread = |why: String| Unread {
            group: row.group_id.clone(),
            id: row.delivery_id,
            channel: match destination {
                Destination::Log => ChannelKind::Log,
                Destination::Webhook { .. } => ChannelKind::Webhook,
            },
            attempts: read_attempts(row.attempts),
            why,
            part: row.part,
            lease,
        };
        let part = match read_part(row.part) {
            Ok(part) => part,
            Err(why) => {
                due.unread.push(unread(why.to_string()));
                continue;
            }
        };
        let Some(step_at) = row.step_at.0 else {
            due.unread.push(unread("a stored instant cannot be read".to_owned()));
            continue;
        };
        due.claimed.push(Claimed {
            part,
            group: row.group_id,
            id: row.delivery_id,
            lease,
            route: row.route_id,
            route_state: match (row.routed && signed, row.disabled) {
                (false, _) => RouteState::Deleted,
                (true, true) => RouteState::Disabled,
                (true, false) => RouteState::Open,
            },
            destination,
            flag: Standing {
                closed: row.closed,
                acknowledged: row.acknowledged,
                retracted: row.retracted,
                history_recorded_at: row.history_recorded_at.map(jiff_sqlx::Timestamp::to_jiff),
            },
            step_at: step_at.to_jiff(),
            attempts: read_attempts(row.attempts),
            body: row.body,
            trace: TraceContext { traceparent: row.traceparent, tracestate: row.tracestate },
        });
    }
    Ok(due)
}

/// How a message ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub state: DeliveryState,
    pub attempts: u32,
    /// What the last try said, without content.
    pub result: String,
    pub at: Timestamp,
}

/// A message was delivered, given up or withheld; false if somebody else has taken it over meanwhile.
pub async fn end_delivery(tx: &mut Tx, delivery: &Claimed, ended: &Ended) -> Result<bool, Error> {
    end(tx, stored_part(delivery.part), (&delivery.group, delivery.id, delivery.lease), ended).await
}

/// A message that cannot be read is given up.
pub async fn end_unread(tx: &mut Tx, delivery: &Unread, ended: &Ended) -> Result<bool, Error> {
    end(tx, delivery.part, (&delivery.group, delivery.id, delivery.lease), ended).await
}

async fn end(tx: &mut Tx, part: i16, of: (&str, Uuid, Uuid), ended: &Ended) -> Result<bool, Error> {
    let state = i16::try_from(i32::from(ended.state)).unwrap_or_default();
    let (group, id, lease) = of;
    let done = sqlx::query_file!(
        "sql/end_delivery.sql",
        part,
        group,
        id,
        lease,
        state,
        stored_attempts(ended.attempts),
        ended.result,
        ended.at.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A try failed and there will be another; false if somebody else has taken it over meanwhile.
pub async fn postpone_delivery(
    tx: &mut Tx,
    delivery: &Claimed,
    attempts: u32,
    result: &str,
    next_at: Timestamp,
) -> Result<bool, Error> {
    let of = (delivery.group.as_str(), delivery.id, delivery.lease);
    postpone(tx, stored_part(delivery.part), of, attempts, result, next_at).await
}

/// A message cannot be read and is tried again: somebody may mend it.
pub async fn postpone_unread(
    tx: &mut Tx,
    delivery: &Unread,
    attempts: u32,
    result: &str,
    next_at: Timestamp,
) -> Result<bool, Error> {
    let of = (delivery.group.as_str(), delivery.id, delivery.lease);
    postpone(tx, delivery.part, of, attempts, result, next_at).await
}

async fn postpone(
    tx: &mut Tx,
    part: i16,
    (group, id, lease): (&str, Uuid, Uuid),
    attempts: u32,
    result: &str,
    next_at: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query_file!(
        "sql/postpone_delivery.sql",
        part,
        group,
        id,
        lease,
        stored_attempts(attempts),
        result,
        next_at.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How much waits to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outbox {
    pub waiting: i64,
    /// Since when the oldest is due; may lie ahead.
    pub due_since: Option<Timestamp>,
}

/// Looks at what waits to be sent, of all groups.
pub async fn outbox(tx: &mut Tx) -> Result<Outbox, Error> {
    let row = sqlx::query_file!("sql/outbox.sql").fetch_one(tx.conn()).await?;
    Ok(Outbox { waiting: row.waiting, due_since: row.due_since.map(jiff_sqlx::Timestamp::to_jiff) })
}
