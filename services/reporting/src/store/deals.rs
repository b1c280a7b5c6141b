//! Deals and their intervals. Each function is one statement; `worker` calls them in one transaction.

use std::collections::HashMap;

use serde_json::Value;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::{self, ToSqlx};

use super::{Error, stored_number, stored_part};
use crate::domain::{DealKey, Interval, IntervalKey, Kept, Kind, News};

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
    rows.into_iter()
        .map(|row| {
            let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.deal_id };
            let revision = u64::try_from(row.revision).unwrap_or(0);
            Ok((key, Kept { revision, intervals: parse_keys(row.interval_keys)?.into_iter().collect() }))
        })
        .collect()
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
        &columns.interval_keys
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
    interval_keys: Vec<Value>,
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
        self.interval_keys.push(render_keys(news.intervals().iter().map(|interval| &interval.key)));
    }
}

/// Keeps intervals that are new or changed.
pub async fn save_intervals(tx: &mut Tx, part: u16, put: &[(&DealKey, &Interval)]) -> Result<(), Error> {
    if put.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = put.iter().map(|(key, _)| *key).collect();
    let of = |column: fn(&Interval) -> jiff_sqlx::Timestamp| put.iter().map(|(_, i)| column(i)).collect::<Vec<_>>();
    let ended = |column: fn(&Interval) -> Option<jiff_sqlx::Timestamp>| {
        put.iter().map(|(_, interval)| column(interval)).collect::<Vec<_>>()
    };
    let kind: Vec<i16> = put.iter().map(|(_, interval)| interval.key.kind as i16).collect();
    let id: Vec<&str> = put.iter().map(|(_, interval)| interval.key.id.as_str()).collect();
    let revision: Vec<i64> = put.iter().map(|(_, interval)| stored_revision(interval.revision)).collect();
    let measure: Vec<&str> = put.iter().map(|(_, interval)| interval.measure.as_str()).collect();
    let department: Vec<&str> = put.iter().map(|(_, interval)| interval.department.as_str()).collect();
    let round: Vec<i32> = put.iter().map(|(_, interval)| stored_number(interval.round)).collect();
    let standing: Vec<i16> = put.iter().map(|(_, interval)| interval.standing as i16).collect();
    sqlx::query_file!(
        "sql/save_intervals.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &deals,
        &kind,
        &id as _,
        &revision,
        &measure as _,
        &department as _,
        &round,
        &standing,
        &of(|interval| interval.started.earliest.to_sqlx()) as _,
        &of(|interval| interval.started.latest.to_sqlx()) as _,
        &ended(|interval| interval.ended.map(|ended| ended.earliest.to_sqlx())) as _,
        &ended(|interval| interval.ended.map(|ended| ended.latest.to_sqlx())) as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes intervals that their deals no longer have.
pub async fn remove_intervals(tx: &mut Tx, part: u16, gone: &[(&DealKey, IntervalKey)]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = gone.iter().map(|(key, _)| *key).collect();
    let kind: Vec<i16> = gone.iter().map(|(_, interval)| interval.kind as i16).collect();
    let id: Vec<&str> = gone.iter().map(|(_, interval)| interval.id.as_str()).collect();
    sqlx::query_file!("sql/remove_intervals.sql", stored_part(part), &groups, &rooftops, &deals, &kind, &id as _)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// As `[[3,"handoff.fi.0"],…]`.
fn render_keys<'a>(keys: impl Iterator<Item = &'a IntervalKey>) -> Value {
    keys.map(|key| Value::from(vec![Value::from(key.kind as i16), Value::from(key.id.as_str())])).collect()
}

fn parse_keys(stored: Value) -> Result<Vec<IntervalKey>, Error> {
    let unreadable = |why: String| Error::Unreadable { what: "list of intervals", why };
    let keys: Vec<(i16, String)> = serde_json::from_value(stored).map_err(|error| unreadable(error.to_string()))?;
    keys.into_iter()
        .map(|(number, id)| {
            let kind = Kind::from_number(number).ok_or_else(|| unreadable(format!("no kind {number}")))?;
            Ok(IntervalKey { kind, id })
        })
        .collect()
}

/// Revisions were held to the range of an `i64` when they were read.
fn stored_revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_intervals_survive_storing() {
        let keys = [(Kind::Stage, "stage.recon_step[a \"b\",c].1"), (Kind::Handoff, "handoff.fi.0")]
            .map(|(kind, id)| IntervalKey { kind, id: id.to_owned() });
        assert_eq!(parse_keys(render_keys(keys.iter())).unwrap(), keys);
        assert!(parse_keys(serde_json::json!([[9, "x"]])).is_err());
        assert!(parse_keys(serde_json::json!({})).is_err());
    }
}
