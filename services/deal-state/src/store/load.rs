//! What a batch is decided on.

use jiff::{Timestamp, civil::Date};
use sqlx::{Error, query_file};
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx;
use throughline_process::{Key, KeyKind};
use throughline_proto::event::v1::Origin;
use uuid::Uuid;

use super::{at, small};
use crate::domain::{id::DealId, partition::Linked, sales::MOST_TELLING};

/// A linking key with the rooftop that it belongs to.
#[derive(Clone, Debug)]
pub struct LinkedRow {
    pub group: String,
    pub rooftop: String,
    pub linked: Linked,
}

macro_rules! linked_rows {
    ($rows:expr) => {
        $rows
            .into_iter()
            .map(|row| {
                let kind = KeyKind::parse(&row.kind)
                    .ok_or_else(|| Error::Decode(format!("{:?} is no kind of key", row.kind).into()))?;
                Ok(LinkedRow {
                    group: row.group_id,
                    rooftop: row.rooftop,
                    linked: Linked {
                        key: Key { kind, scope: row.scope, value: row.value },
                        id: DealId(row.key),
                        core: DealId(row.core),
                        deal: DealId(row.deal_id),
                    },
                })
            })
            .collect()
    };
}

/// Of one sale, so many keys are reached for: one more than make it crowded.
const REACHED: i64 = MOST_TELLING as i64 + 1;

/// All keys of the deals that these keys point to, and of all deals that tell of the same sales as they do or as `sales`
/// says: (group, rooftop, sale).
///
/// The statement asks for sales as `in ('sale', 'decision') and = 'sale'`: their index is partial, and found by its own
/// condition alone.
pub async fn linked(
    tx: &mut Tx,
    part: u16,
    keys: &[Uuid],
    (groups, rooftops, sales): (Vec<String>, Vec<String>, Vec<String>),
) -> Result<Vec<LinkedRow>, Error> {
    let rows = query_file!("sql/linked.sql", small(part), keys, &[] as &[Uuid], &groups, &rooftops, &sales, REACHED);
    linked_rows!(rows.fetch_all(tx.conn()).await?)
}

/// All keys of these deals, and of all that tell of the same sales.
pub async fn linked_to_deals(tx: &mut Tx, part: u16, deals: &[Uuid]) -> Result<Vec<LinkedRow>, Error> {
    let none: &[String] = &[];
    let rows = query_file!("sql/linked.sql", small(part), &[] as &[Uuid], deals, none, none, none, REACHED);
    linked_rows!(rows.fetch_all(tx.conn()).await?)
}

/// A deal as it was last said.
#[derive(Clone, Debug)]
pub struct Before {
    pub id: DealId,
    pub event_count: usize,
    /// Encoded.
    pub body: Vec<u8>,
}

pub async fn deals_before(tx: &mut Tx, part: u16, deals: &[Uuid]) -> Result<Vec<Before>, Error> {
    let rows = query_file!("sql/deals_before.sql", small(part), deals).fetch_all(tx.conn()).await?;
    let before = rows.into_iter().map(|row| Before {
        id: DealId(row.deal_id),
        event_count: usize::try_from(row.event_count).unwrap_or(0),
        body: row.body,
    });
    Ok(before.collect())
}

/// An event as it is kept.
#[derive(Clone, Debug)]
pub struct StoredInput {
    pub anchor: DealId,
    pub id: Uuid,
    pub recorded_at: Timestamp,
    pub origin: i16,
    /// On whose behalf it was sent, if said.
    pub actor: String,
    /// Encoded.
    pub body: Vec<u8>,
}

/// Each statement has a type of row of its own.
macro_rules! stored_inputs {
    ($rows:expr) => {
        $rows
            .into_iter()
            .map(|row| StoredInput {
                anchor: DealId(row.anchor),
                id: row.event,
                recorded_at: row.recorded_at.to_jiff(),
                origin: row.origin,
                actor: row.actor,
                body: row.body,
            })
            .collect()
    };
}
pub(super) use stored_inputs;

impl StoredInput {
    pub fn origin(&self) -> Origin {
        Origin::try_from(i32::from(self.origin)).unwrap_or(Origin::Unspecified)
    }
}

/// The events that came under these keys.
pub async fn inputs(tx: &mut Tx, part: u16, anchors: &[Uuid]) -> Result<Vec<StoredInput>, Error> {
    let rows = query_file!("sql/inputs.sql", small(part), anchors).fetch_all(tx.conn()).await?;
    Ok(stored_inputs!(rows))
}

/// Those that were recorded until then.
pub async fn inputs_until(
    tx: &mut Tx,
    part: u16,
    anchors: &[Uuid],
    until: Timestamp,
) -> Result<Vec<StoredInput>, Error> {
    let rows = query_file!("sql/inputs_until.sql", small(part), anchors, at(until) as _).fetch_all(tx.conn()).await?;
    Ok(stored_inputs!(rows))
}

/// The types that a rooftop's sources had ever sent until then.
pub async fn observed_until(
    tx: &mut Tx,
    part: u16,
    group: &str,
    rooftop: &str,
    until: Timestamp,
) -> Result<Vec<String>, Error> {
    let rows =
        query_file!("sql/observed_until.sql", small(part), group, rooftop, at(until) as _).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| row.event_type).collect())
}

/// A rooftop as its deals are folded under.
#[derive(Clone, Debug)]
pub struct RooftopRow {
    pub group: String,
    pub rooftop: String,
    /// Encoded; none if the directory has said nothing of it yet.
    pub body: Option<Vec<u8>>,
    pub observed: Vec<String>,
    /// Of each of those, the day of the last report, if known.
    pub days: Vec<Option<Date>>,
}

pub async fn rooftops(
    tx: &mut Tx,
    part: u16,
    groups: &[String],
    rooftops: &[String],
) -> Result<Vec<RooftopRow>, Error> {
    let rows = query_file!("sql/rooftops.sql", small(part), groups, rooftops).fetch_all(tx.conn()).await?;
    let rooftops = rows.into_iter().map(|row| RooftopRow {
        group: row.group_id,
        rooftop: row.rooftop,
        body: row.body,
        observed: row.observed,
        days: row.days.into_iter().map(|day| day.map(jiff_sqlx::Date::to_jiff)).collect(),
    });
    Ok(rooftops.collect())
}
