//! What callers ask for. Everything here runs under the policy of the caller's group.

use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use sqlx::{Error, query_file};
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx;
use uuid::Uuid;

use super::{at, load::stored_inputs, small};
use crate::{
    domain::{
        filter::{Filter, Order, OrderBy},
        id::DealId,
    },
    store::StoredInput,
};

/// A deal by its own id or by one that it had.
pub async fn by_id(tx: &mut Tx, group: &str, rooftop: &str, id: DealId) -> Result<Option<(DealId, Vec<u8>)>, Error> {
    let row = query_file!("sql/deal_by_id.sql", group, rooftop, id.0).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| (DealId(row.deal_id), row.body)))
}

/// A deal and the key by which it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub kind: String,
    pub scope: String,
    pub rooftop: String,
    pub id: DealId,
    pub body: Vec<u8>,
}

/// Deals known by a number. `rooftops`: none means all of the group.
pub async fn by_number(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    value: &str,
    kind: Option<&str>,
    scope: Option<&str>,
    most: i64,
) -> Result<Vec<Found>, Error> {
    let rows = query_file!("sql/deals_by_number.sql", group, value, kind, scope, rooftops as _, most)
        .fetch_all(tx.conn())
        .await?;
    let found = rows.into_iter().map(|row| Found {
        kind: row.kind,
        scope: row.scope,
        rooftop: row.rooftop,
        id: DealId(row.deal_id),
        body: row.body,
    });
    Ok(found.collect())
}

/// Deals that are known by each of these numbers.
pub async fn having(tx: &mut Tx, group: &str, numbers: &[String]) -> Result<Vec<Uuid>, Error> {
    let mut distinct = numbers.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let count = i64::try_from(distinct.len()).unwrap_or(i64::MAX);
    let rows = query_file!("sql/deals_having.sql", group, &distinct, count).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| row.deal_id).collect())
}

/// A deal in a list, with what the list is ordered by.
#[derive(Clone, Debug)]
pub struct DealRow {
    pub id: DealId,
    pub ordered_by: Timestamp,
    pub body: Vec<u8>,
}

/// Which deals are listed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    pub group: &'w str,
    /// None means all of the group.
    pub rooftops: Option<&'w [String]>,
    pub filter: &'w Filter,
    /// None means any.
    pub ids: Option<&'w [Uuid]>,
    pub order: Order,
    /// The place behind which it begins.
    pub after: Option<(Timestamp, DealId)>,
    pub most: i64,
}

/// A page of deals.
pub async fn list(tx: &mut Tx, wanted: Wanted<'_>) -> Result<Vec<DealRow>, Error> {
    let Wanted { group, rooftops, filter, ids, order, after, most } = wanted;
    let (after, after_id) = match after {
        Some((instant, id)) => (at(instant), id.0),
        None if order.descending => (at(Timestamp::MAX), Uuid::max()),
        // Postgres begins in 4713 BC, and nothing that we are told of is older than this.
        None => (at(Timestamp::constant(-62_135_596_800, 0)), Uuid::nil()),
    };
    let states: Vec<i16> = filter.states.iter().map(|state| crate::wire::state(*state) as i16).collect();
    let (opened, heard) = (filter.opened_at, filter.last_event_at);
    let (opened_from, opened_until) = (opened.from.map(at), opened.until.map(at));
    let (heard_from, heard_until) = (heard.from.map(at), heard.until.map(at));
    macro_rules! listed {
        ($sql:literal) => {
            query_file!(
                $sql,
                group,
                after as _,
                after_id,
                rooftops as _,
                &states,
                filter.open,
                opened_from as _,
                opened_until as _,
                heard_from as _,
                heard_until as _,
                filter.rework.0,
                filter.rework.1,
                ids as _,
                most
            )
            .fetch_all(tx.conn())
            .await?
            .into_iter()
            .map(|row| DealRow { id: DealId(row.deal_id), ordered_by: row.ordered_by.to_jiff(), body: row.body })
            .collect()
        };
    }
    Ok(match (order.by, order.descending) {
        (OrderBy::OpenedAt, false) => listed!("sql/list_opened_at_asc.sql"),
        (OrderBy::OpenedAt, true) => listed!("sql/list_opened_at_desc.sql"),
        (OrderBy::LastEventAt, false) => listed!("sql/list_last_event_at_asc.sql"),
        (OrderBy::LastEventAt, true) => listed!("sql/list_last_event_at_desc.sql"),
    })
}

/// The events of a deal, in no order.
pub async fn timeline(tx: &mut Tx, group: &str, part: u16, deal: DealId) -> Result<Vec<StoredInput>, Error> {
    let rows = query_file!("sql/timeline.sql", small(part), deal.0, group).fetch_all(tx.conn()).await?;
    Ok(stored_inputs!(rows))
}

/// What the directory said of a rooftop.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    pub rooftop: String,
    /// Names this state of it.
    pub tag: String,
    /// None: it is the state whose tag was given.
    pub body: Option<Vec<u8>>,
}

/// When these rooftops are open; each with the tag of what is known of it, or an empty one.
pub async fn schedules(
    tx: &mut Tx,
    group: &str,
    rooftops: &[String],
    tags: &[String],
) -> Result<Vec<ScheduleRow>, Error> {
    let rows = query_file!("sql/schedules.sql", group, rooftops, tags).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| ScheduleRow { rooftop: row.rooftop, tag: row.tag, body: row.body }).collect())
}

/// A rooftop as a board needs it.
#[derive(Clone, Debug)]
pub struct BoardRooftop {
    pub part: u16,
    pub rooftop: String,
    pub body: Vec<u8>,
    pub observed: Vec<String>,
}

/// The rooftops of a group, at most 256 of them. `wanted`: none means all.
pub async fn board_rooftops(tx: &mut Tx, group: &str, wanted: Option<&[String]>) -> Result<Vec<BoardRooftop>, Error> {
    let rows = query_file!("sql/board_rooftops.sql", group, wanted as _).fetch_all(tx.conn()).await?;
    let rooftops = rows.into_iter().map(|row| BoardRooftop {
        part: row.part as u16,
        rooftop: row.rooftop,
        body: row.body,
        observed: row.observed,
    });
    Ok(rooftops.collect())
}

/// A piece of the board, behind (rooftop, deal).
pub async fn board(
    tx: &mut Tx,
    group: &str,
    rooftops: &[String],
    heard_since: Timestamp,
    after: (&str, Uuid),
    most: i64,
) -> Result<Vec<(String, Uuid, Vec<u8>)>, Error> {
    let rows = query_file!("sql/board.sql", group, rooftops, at(heard_since) as _, after.0, after.1, most)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (row.rooftop, row.deal_id, row.body)).collect())
}

/// Open deals that were last heard of from `from` on and before `until`.
pub async fn board_aged(
    tx: &mut Tx,
    group: &str,
    rooftops: &[String],
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(String, DealId)>, Error> {
    let rows =
        query_file!("sql/board_aged.sql", group, rooftops, at(from) as _, at(until) as _).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.rooftop, DealId(row.deal_id))).collect())
}

/// A deal as the state hash takes it in.
#[derive(Clone, Debug)]
pub struct HashRow {
    pub rooftop: String,
    pub deal: Uuid,
    pub hash: Vec<u8>,
}

/// All deals of a group by rooftop and id, as they come.
pub fn state_hashes<'t>(tx: &'t mut Tx, group: &'t str) -> BoxStream<'t, Result<HashRow, Error>> {
    query_file!("sql/state_hashes.sql", group)
        .fetch(tx.conn())
        .map(|row| row.map(|row| HashRow { rooftop: row.rooftop, deal: row.deal_id, hash: row.state_hash }))
        .boxed()
}
