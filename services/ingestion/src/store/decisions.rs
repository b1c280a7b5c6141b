//! What people decided.

use jiff::Timestamp;
use prost::Message;
use throughline_platform::{Failure, db::Tx};
use throughline_proto::{ingestion::v1::IdentityDecision, time::to_wire};
use uuid::Uuid;

use super::at;

/// A decision with the place that it has in lists.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) decision: IdentityDecision,
}

pub(crate) async fn add(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    id: Uuid,
    decision: &IdentityDecision,
    now: Timestamp,
) -> Result<(), Failure> {
    let body = decision.encode_to_vec();
    sqlx::query_file!("sql/decision_add.sql", group, rooftop, id, body, at(now) as _).execute(tx.conn()).await?;
    Ok(())
}

/// A decision held for a change.
pub(crate) async fn lock(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    id: Uuid,
) -> Result<Option<IdentityDecision>, Failure> {
    let row = sqlx::query_file!("sql/decision_lock.sql", group, rooftop, id).fetch_optional(tx.conn()).await?;
    row.map(|row| decode(&row.body, row.withdrawn_at.map(|at| at.to_jiff()))).transpose()
}

pub(crate) async fn withdraw(tx: &mut Tx, group: &str, rooftop: &str, id: Uuid, now: Timestamp) -> Result<(), Failure> {
    sqlx::query_file!("sql/decision_withdraw.sql", group, rooftop, id, at(now) as _).execute(tx.conn()).await?;
    Ok(())
}

/// Newest first, before a place if one is given.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    before: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, Failure> {
    let (instant, id) = before.map_or((None, None), |(instant, id)| (Some(at(instant)), Some(id)));
    let rows = sqlx::query_file!("sql/decisions_page.sql", group, rooftop, instant as _, id as _, limit)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|row| {
            let decision = decode(&row.body, row.withdrawn_at.map(|at| at.to_jiff()))?;
            Ok(Listed { id: row.id, created_at: row.created_at.to_jiff(), decision })
        })
        .collect()
}

fn decode(body: &[u8], withdrawn_at: Option<Timestamp>) -> Result<IdentityDecision, Failure> {
    let decision = IdentityDecision::decode(body).map_err(Failure::internal)?;
    Ok(IdentityDecision { withdraw_time: withdrawn_at.map(to_wire), ..decision })
}
