//! Deals and their intervals. Each function is one statement; `worker` calls them in one transaction.

use std::collections::HashMap;

use serde_json::Value;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::{self, ToSqlx};
use throughline_wire::{render_kind, render_state};

use super::{Error, stored_number, stored_part};
use crate::domain::{DealKey, Kept, News, Versioned};

/// Names of deals as columns.
#[derive(Default)]
struct Keys {
    groups: Vec<String>,
    rooftops: Vec<String>,
    deals: Vec<String>,
}

impl Keys {
    fn push(&mut self, key: &DealKey) {
        self.groups.push(key.group.clone());
        self.rooftops.push(key.rooftop.clone());
        self.deals.push(key.deal.clone());
    }
}

impl<'a> FromIterator<&'a DealKey> for Keys {
    fn from_iter<I: IntoIterator<Item = &'a DealKey>>(keys: I) -> Self {
        let mut columns = Self::default();
        keys.into_iter().for_each(|key| columns.push(key));
        columns
    }
}

/// What is kept of these deals; nothing of those that are new.
pub async fn load_deals(
    tx: &mut Tx,
    part: u16,
    keys: impl Iterator<Item = &DealKey>,
) -> Result<HashMap<DealKey, Kept>, Error> {
    let Keys { groups, rooftops, deals } = keys.collect();
    let rows = sqlx::query_file!("sql/load_deals.sql", stored_part(part), &groups, &rooftops, &deals)
        .fetch_all(tx.conn())
        .await?;
    let kept = rows.into_iter().map(|row| {
        let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.deal_id };
        let revision = u64::try_from(row.revision).unwrap_or(0);
        (key, Kept { revision, intervals: row.interval_ids.into_iter().collect() })
    });
    Ok(kept.collect())
}

/// Keeps deals and retractions, with the names of their intervals.
pub async fn save_deals(tx: &mut Tx, part: u16, kept: &[(&DealKey, &News)]) -> Result<(), Error> {
    if kept.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = kept.iter().map(|(key, _)| *key).collect();
    let mut columns = Columns::default();
    for (_, news) in kept {
        columns.push(news);
    }
    sqlx::query_file!(
        "sql/save_deals.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &deals,
        &columns.revision,
        &columns.retracted,
        &columns.subject as _,
        &columns.state,
        &columns.opened_at as _,
        &columns.rework,
        &columns.interval_ids
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(Default)]
struct Columns<'a> {
    revision: Vec<i64>,
    retracted: Vec<bool>,
    subject: Vec<&'a str>,
    state: Vec<i16>,
    opened_at: Vec<Option<jiff_sqlx::Timestamp>>,
    rework: Vec<i32>,
    interval_ids: Vec<Value>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, news: &'a News) {
        let deal = match news {
            News::Stands(deal) => Some(deal),
            News::Retracted { .. } => None,
        };
        self.revision.push(stored_revision(news.revision()));
        self.retracted.push(deal.is_none());
        self.subject.push(deal.map_or("", |deal| &deal.subject));
        self.state.push(deal.map_or(0, |deal| deal.state as i16));
        self.opened_at.push(deal.and_then(|deal| deal.opened_at).map(ToSqlx::to_sqlx));
        self.rework.push(deal.map_or(0, |deal| stored_number(deal.rework)));
        self.interval_ids.push(news.intervals().iter().map(|of| of.interval.id.as_str()).collect());
    }
}

/// Keeps intervals that are new or changed.
pub async fn save_intervals(tx: &mut Tx, part: u16, put: &[(&DealKey, &Versioned)]) -> Result<(), Error> {
    if put.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = put.iter().map(|(key, _)| *key).collect();
    let mut columns = IntervalColumns::default();
    put.iter().for_each(|(_, versioned)| columns.push(versioned));
    sqlx::query_file!(
        "sql/save_intervals.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &deals,
        &columns.id as _,
        &columns.kind,
        &columns.name as _,
        &columns.owner_department as _,
        &columns.offered_by_department as _,
        &columns.instance as _,
        &columns.round,
        &columns.state,
        &columns.start_earliest as _,
        &columns.start_latest as _,
        &columns.end_earliest as _,
        &columns.end_latest as _,
        &columns.revision
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(Default)]
struct IntervalColumns<'a> {
    id: Vec<&'a str>,
    kind: Vec<i16>,
    name: Vec<&'a str>,
    owner_department: Vec<&'a str>,
    offered_by_department: Vec<&'a str>,
    instance: Vec<&'a str>,
    round: Vec<i32>,
    state: Vec<i16>,
    start_earliest: Vec<jiff_sqlx::Timestamp>,
    start_latest: Vec<jiff_sqlx::Timestamp>,
    end_earliest: Vec<Option<jiff_sqlx::Timestamp>>,
    end_latest: Vec<Option<jiff_sqlx::Timestamp>>,
    revision: Vec<i64>,
}

impl<'a> IntervalColumns<'a> {
    fn push(&mut self, Versioned { interval, revision }: &'a Versioned) {
        self.id.push(&interval.id);
        self.kind.push(render_kind(interval.kind) as i16);
        self.name.push(&interval.name);
        self.owner_department.push(&interval.owner_department);
        self.offered_by_department.push(interval.offered_by_department.as_deref().unwrap_or_default());
        self.instance.push(interval.instance.as_deref().unwrap_or_default());
        self.round.push(stored_number(interval.round));
        self.state.push(render_state(interval.state) as i16);
        self.start_earliest.push(interval.start.earliest.to_sqlx());
        self.start_latest.push(interval.start.latest.to_sqlx());
        self.end_earliest.push(interval.end.map(|end| end.earliest.to_sqlx()));
        self.end_latest.push(interval.end.map(|end| end.latest.to_sqlx()));
        self.revision.push(stored_revision(*revision));
    }
}

/// Removes intervals, by ID, that their deals no longer have.
pub async fn remove_intervals(tx: &mut Tx, part: u16, gone: &[(&DealKey, String)]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = gone.iter().map(|(key, _)| *key).collect();
    let id: Vec<&str> = gone.iter().map(|(_, id)| id.as_str()).collect();
    sqlx::query_file!("sql/remove_intervals.sql", stored_part(part), &groups, &rooftops, &deals, &id as _)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Revisions were held to the range of an `i64` when they were read.
fn stored_revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
