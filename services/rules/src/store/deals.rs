//! Deals that time alone may still change, and those on the floor.

use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_process::Origin;
use throughline_proto::log::v1::TraceContext;

use super::{Error, stored_part, stored_up};
use crate::wire;

/// A deal of a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DealKey {
    pub group: String,
    pub rooftop: String,
    pub deal: String,
}

/// A deal that is kept.
#[derive(Clone, Debug)]
pub struct KeptDeal {
    pub key: DealKey,
    pub judged_at: Timestamp,
    pub next_change: Option<Timestamp>,
    pub waits_for: Vec<String>,
    /// It waits for a source to be heard from.
    pub unconfirmed: bool,
    /// Some department has it or is offered it.
    pub on_floor: bool,
    pub origin: Origin,
    /// When its last entry was recorded, and in which trace.
    pub recorded_at: Timestamp,
    pub trace: TraceContext,
    /// Encoded `Deal`.
    pub body: Bytes,
}

/// Names of deals as columns.
pub(super) struct Keys {
    pub(super) groups: Vec<String>,
    pub(super) rooftops: Vec<String>,
    pub(super) deals: Vec<String>,
}

impl<'a> FromIterator<&'a DealKey> for Keys {
    fn from_iter<I: IntoIterator<Item = &'a DealKey>>(keys: I) -> Self {
        let mut columns = Self { groups: Vec::new(), rooftops: Vec::new(), deals: Vec::new() };
        for key in keys {
            columns.groups.push(key.group.clone());
            columns.rooftops.push(key.rooftop.clone());
            columns.deals.push(key.deal.clone());
        }
        columns
    }
}

/// When those of these deals that are kept were last judged.
pub async fn load_deals(tx: &mut Tx, part: u16, keys: &[DealKey]) -> Result<HashMap<DealKey, Timestamp>, Error> {
    let Keys { groups, rooftops, deals } = keys.iter().collect();
    let rows = sqlx::query_file!("sql/load_deals.sql", stored_part(part), &groups, &rooftops, &deals)
        .fetch_all(tx.conn())
        .await?;
    let kept = rows.into_iter().map(|row| {
        let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.deal_id };
        (key, row.judged_at.to_jiff())
    });
    Ok(kept.collect())
}

/// Keeps deals, each with its alarm.
pub async fn save_deals(tx: &mut Tx, part: u16, kept: &[KeptDeal]) -> Result<(), Error> {
    if kept.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = kept.iter().map(|deal| &deal.key).collect();
    let judged_at: Vec<_> = kept.iter().map(|deal| deal.judged_at.to_sqlx()).collect();
    let next_change: Vec<_> = kept.iter().map(|deal| deal.next_change.map(stored_up)).collect();
    let unconfirmed: Vec<_> = kept.iter().map(|deal| deal.unconfirmed).collect();
    let waits_for: Vec<_> = kept.iter().map(|deal| deal.waits_for.join(",")).collect();
    let origin: Vec<_> = kept.iter().map(|deal| wire::render_origin(deal.origin) as i16).collect();
    let recorded_at: Vec<_> = kept.iter().map(|deal| deal.recorded_at.to_sqlx()).collect();
    let traceparent: Vec<_> = kept.iter().map(|deal| deal.trace.traceparent.clone()).collect();
    let tracestate: Vec<_> = kept.iter().map(|deal| deal.trace.tracestate.clone()).collect();
    let body: Vec<_> = kept.iter().map(|deal| deal.body.to_vec()).collect();
    let on_floor: Vec<_> = kept.iter().map(|deal| deal.on_floor).collect();
    sqlx::query_file!(
        "sql/save_deals.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &deals,
        &judged_at as _,
        &next_change as _,
        &waits_for,
        &origin,
        &recorded_at as _,
        &traceparent,
        &tracestate,
        &body,
        &unconfirmed,
        &on_floor
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Drops deals and their alarms.
pub async fn forget_deals(tx: &mut Tx, part: u16, keys: &[DealKey]) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = keys.iter().collect();
    sqlx::query_file!("sql/forget_deals.sql", stored_part(part), &groups, &rooftops, &deals).execute(tx.conn()).await?;
    Ok(())
}

/// Has every kept deal of a rooftop looked at again from `at` on.
pub async fn recall_deals(tx: &mut Tx, part: u16, group: &str, rooftop: &str, at: Timestamp) -> Result<(), Error> {
    sqlx::query_file!("sql/recall_deals.sql", stored_part(part), group, rooftop, stored_up(at) as _)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// For each (deal, department): how many other deals of the rooftop wait for that department, at most 100.
pub async fn count_queues(tx: &mut Tx, part: u16, wanted: &[(&DealKey, &str)]) -> Result<Vec<u32>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let Keys { groups, rooftops, deals } = wanted.iter().map(|(key, _)| *key).collect();
    let departments: Vec<String> = wanted.iter().map(|(_, department)| (*department).to_owned()).collect();
    let rows = sqlx::query_file!("sql/count_queues.sql", stored_part(part), &groups, &rooftops, &deals, &departments)
        .fetch_all(tx.conn())
        .await?;
    let mut others = vec![0; wanted.len()];
    for row in rows {
        let index = usize::try_from(row.ordinality - 1).ok();
        if let Some(slot) = index.and_then(|index| others.get_mut(index)) {
            *slot = u32::try_from(row.others).unwrap_or(0);
        }
    }
    Ok(others)
}
