//! What stands on lists: written with the deals of a batch, and read by age.

use jiff::Timestamp;
use sqlx::{Error, query_file};
use throughline_platform::{db::Tx, jiff_sqlx};
use throughline_process::Bound;
use uuid::Uuid;

use super::at;
use crate::{
    domain::{
        id::DealId,
        worklists::{Item, List},
    },
    wire,
};

/// Postgres begins in 4713 BC, and a bound may be wider than that.
const FLOOR: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// What a batch changes on lists.
#[derive(Debug, Default)]
pub struct Work {
    /// Deals of which nothing else stands on a list.
    replaced: Vec<Uuid>,
    deals: Vec<Uuid>,
    lists: Vec<i16>,
    instances: Vec<String>,
    groups: Vec<String>,
    rooftops: Vec<String>,
    since: Vec<jiff_sqlx::Timestamp>,
    earliest: Vec<jiff_sqlx::Timestamp>,
    qualities: Vec<i16>,
    departments: Vec<String>,
    unobserved: Vec<bool>,
}

impl Work {
    /// All that a deal stands on from now on; each deal once.
    pub fn now(&mut self, (group, rooftop): (&str, &str), deal: DealId, items: &[Item]) {
        self.replaced.push(deal.0);
        for item in items {
            self.deals.push(deal.0);
            self.lists.push(wire::list(item.list) as i16);
            self.instances.push(item.instance.clone().unwrap_or_default());
            self.groups.push(group.to_owned());
            self.rooftops.push(rooftop.to_owned());
            self.since.push(at(item.since.latest.max(FLOOR)));
            self.earliest.push(at(item.since.earliest.max(FLOOR)));
            self.qualities.push(throughline_wire::render_quality(item.since.quality) as i16);
            self.departments.push(item.department.clone());
            self.unobserved.push(!item.leaving_observed);
        }
    }

    /// The deal was taken over.
    pub fn gone(&mut self, deal: DealId) {
        self.replaced.push(deal.0);
    }

    pub(super) async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        let Self { replaced, deals, lists, instances, groups, rooftops, since, earliest, .. } = &self;
        if !replaced.is_empty() {
            query_file!("sql/drop_work.sql", part, replaced, deals, lists, instances).execute(tx.conn()).await?;
        }
        if !deals.is_empty() {
            query_file!(
                "sql/save_work.sql",
                part,
                deals,
                lists,
                instances,
                groups,
                rooftops,
                since as _,
                earliest as _,
                &self.qualities,
                &self.departments,
                &self.unobserved
            )
            .execute(tx.conn())
            .await?;
        }
        Ok(())
    }
}

/// Where a page of a list begins: behind this item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub since: Timestamp,
    pub deal: DealId,
    pub instance: String,
}

/// An item of a list, with the deal.
#[derive(Clone, Debug)]
pub struct WorkRow {
    pub deal: DealId,
    pub rooftop: String,
    /// Empty where it is about the deal.
    pub instance: String,
    pub since: Bound,
    pub department: String,
    pub leaving_unobserved: bool,
    pub body: Vec<u8>,
}

impl WorkRow {
    pub fn place(&self) -> Place {
        Place { since: self.since.latest, deal: self.deal, instance: self.instance.clone() }
    }
}

/// A page of a list, the oldest first. `rooftops`: none means all of the group.
pub async fn list_work(
    tx: &mut Tx,
    (group, rooftops): (&str, Option<&[String]>),
    list: List,
    after: Option<Place>,
    most: i64,
) -> Result<Vec<WorkRow>, Error> {
    let after = after.unwrap_or_else(|| Place { since: FLOOR, deal: DealId(Uuid::nil()), instance: String::new() });
    let rows = query_file!(
        "sql/list_work.sql",
        group,
        wire::list(list) as i16,
        at(after.since) as _,
        after.deal.0,
        after.instance,
        rooftops as _,
        most
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = rows.into_iter().map(|row| WorkRow {
        deal: DealId(row.deal_id),
        rooftop: row.rooftop,
        instance: row.instance,
        since: Bound {
            earliest: row.since_earliest.to_jiff(),
            latest: row.since.to_jiff(),
            quality: throughline_wire::read_quality(row.since_quality.into()),
        },
        department: row.department,
        leaving_unobserved: row.leaving_unobserved,
        body: row.body,
    });
    Ok(rows.collect())
}

/// How much stands on a list of a rooftop.
#[derive(Clone, Debug)]
pub struct CountRow {
    pub rooftop: String,
    pub list: List,
    pub count: i64,
    pub untouched: i64,
    pub unobserved: i64,
    /// When the oldest began.
    pub oldest: Bound,
}

/// How much stands on the lists of these rooftops, each with the beginning of its day; nothing of an empty list.
pub async fn count_work(
    tx: &mut Tx,
    group: &str,
    (rooftops, began): (&[String], &[Timestamp]),
) -> Result<Vec<CountRow>, Error> {
    let began: Vec<jiff_sqlx::Timestamp> = began.iter().copied().map(at).collect();
    let rows = query_file!("sql/count_work.sql", group, rooftops, &began as _).fetch_all(tx.conn()).await?;
    // A list that a newer build keeps is none of ours.
    let counts = rows.into_iter().filter_map(|row| {
        Some(CountRow {
            rooftop: row.rooftop,
            list: wire::read_list(row.list.into())?,
            count: row.count,
            untouched: row.untouched,
            unobserved: row.unobserved,
            oldest: Bound::between(row.oldest_earliest.to_jiff(), row.oldest.to_jiff()),
        })
    });
    Ok(counts.collect())
}
