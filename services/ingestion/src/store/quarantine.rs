//! Events that were kept apart: at most so many a group.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use jiff::Timestamp;
use throughline_platform::{Failure, Reason, db::Tx};
use uuid::Uuid;

use throughline_platform::jiff_sqlx;

use super::at;

/// An event to keep apart.
#[derive(Clone, Debug)]
pub(crate) struct Spoiled {
    pub(crate) group: String,
    pub(crate) id: Uuid,
    /// As sent, perhaps a vendor's code; empty if it did not pass.
    pub(crate) rooftop: String,
    pub(crate) source: String,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// An encoded event, perhaps incomplete.
    pub(crate) event: Bytes,
}

/// An event as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) rooftop: String,
    pub(crate) source: String,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) reason: i32,
    pub(crate) message: String,
    pub(crate) created_at: Timestamp,
    pub(crate) released_at: Option<Timestamp>,
}

/// An event that is to be tried again.
#[derive(Clone, Debug)]
pub(crate) struct Resting {
    pub(crate) id: Uuid,
    pub(crate) rooftop: String,
    pub(crate) source: String,
    pub(crate) event: Vec<u8>,
    /// Whether it may have become right by itself.
    pub(crate) mendable: bool,
}

/// Why an event that was tried again is still kept apart.
#[derive(Clone, Debug)]
pub(crate) struct Still {
    pub(crate) group: String,
    pub(crate) id: Uuid,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

/// Keeps events apart as far as their groups have room, `most` rows each; answers for each, in order, whether it is kept.
/// One that is there already is kept whatever the room.
pub(crate) async fn keep(tx: &mut Tx, now: Timestamp, spoiled: &[Spoiled], most: i64) -> Result<Vec<bool>, Failure> {
    let mut groups: Vec<&str> = spoiled.iter().map(|spoiled| spoiled.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let sizes = sizes(tx, &groups).await?;
    let mut room: BTreeMap<&str, i64> =
        groups.iter().map(|group| (*group, most - sizes.get(*group).copied().unwrap_or(0))).collect();

    let ids: Vec<Uuid> = spoiled.iter().map(|spoiled| spoiled.id).collect();
    let owners: Vec<&str> = spoiled.iter().map(|spoiled| spoiled.group.as_str()).collect();
    let known = sqlx::query_file!("sql/quarantine_known.sql", &owners as &[&str], &ids).fetch_all(tx.conn()).await?;
    let known: HashSet<(String, Uuid)> = known.into_iter().map(|row| (row.group_id, row.id)).collect();

    let mut fresh: HashSet<(&str, Uuid)> = HashSet::new();
    let mut grown: BTreeMap<&str, i64> = BTreeMap::new();
    let mut rows: Vec<&Spoiled> = Vec::new();
    let mut kept = Vec::with_capacity(spoiled.len());
    let mut once: HashSet<(&str, Uuid)> = HashSet::new();
    for one in spoiled {
        let key = (one.group.as_str(), one.id);
        let is_known = known.contains(&(one.group.clone(), one.id)) || fresh.contains(&key);
        let left = room.entry(key.0).or_default();
        if !is_known && *left > 0 {
            *left -= 1;
            *grown.entry(key.0).or_default() += 1;
            fresh.insert(key);
        }
        let keeps = is_known || fresh.contains(&key);
        // One statement must not meet the same row twice.
        if keeps && once.insert(key) {
            rows.push(one);
        }
        kept.push(keeps);
    }
    insert(tx, now, &rows).await?;
    grow(tx, &grown).await?;
    Ok(kept)
}

async fn sizes(tx: &mut Tx, groups: &[&str]) -> Result<BTreeMap<String, i64>, Failure> {
    sqlx::query_file!("sql/quarantine_sizes_made.sql", groups as &[&str]).execute(tx.conn()).await?;
    let sizes = sqlx::query_file!("sql/quarantine_sizes.sql", groups as &[&str]).fetch_all(tx.conn()).await?;
    Ok(sizes.into_iter().map(|row| (row.group_id, row.kept)).collect())
}

async fn grow(tx: &mut Tx, grown: &BTreeMap<&str, i64>) -> Result<(), Failure> {
    if grown.is_empty() {
        return Ok(());
    }
    let groups: Vec<&str> = grown.keys().copied().collect();
    let by: Vec<i64> = grown.values().copied().collect();
    sqlx::query_file!("sql/quarantine_sizes_grown.sql", &groups as &[&str], &by).execute(tx.conn()).await?;
    Ok(())
}

async fn insert(tx: &mut Tx, now: Timestamp, rows: &[&Spoiled]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&Spoiled) -> &str| rows.iter().map(|row| of(row)).collect::<Vec<&str>>();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let reasons: Vec<i16> = rows.iter().map(|row| row.reason as i16).collect();
    let events: Vec<&[u8]> = rows.iter().map(|row| row.event.as_ref()).collect();
    sqlx::query_file!(
        "sql/quarantine_keep.sql",
        &texts(|row| &row.group) as &[&str],
        &ids,
        &texts(|row| &row.rooftop) as &[&str],
        &texts(|row| &row.source) as &[&str],
        &texts(|row| &row.event_id) as &[&str],
        &texts(|row| &row.event_type) as &[&str],
        &reasons,
        &texts(|row| &row.message) as &[&str],
        &events as &[&[u8]],
        at(now) as jiff_sqlx::Timestamp,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks events that are in the log now.
pub(crate) async fn release(tx: &mut Tx, now: Timestamp, released: &[(&str, Uuid)]) -> Result<(), Failure> {
    let (groups, ids): (Vec<&str>, Vec<Uuid>) = released.iter().copied().unzip();
    sqlx::query_file!("sql/quarantine_released.sql", &groups as &[&str], &ids, at(now) as jiff_sqlx::Timestamp)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes why events that were tried again are still kept apart.
pub(crate) async fn keep_still(tx: &mut Tx, still: &[Still]) -> Result<(), Failure> {
    let groups: Vec<&str> = still.iter().map(|still| still.group.as_str()).collect();
    let ids: Vec<Uuid> = still.iter().map(|still| still.id).collect();
    let reasons: Vec<i16> = still.iter().map(|still| still.reason as i16).collect();
    let messages: Vec<&str> = still.iter().map(|still| still.message.as_str()).collect();
    sqlx::query_file!("sql/quarantine_still.sql", &groups as &[&str], &ids, &reasons, &messages as &[&str])
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A page, newest first, before a place if one is given.
pub(crate) async fn page(
    tx: &mut Tx,
    group: &str,
    before: Option<(Timestamp, Uuid)>,
    rooftops: Option<&[String]>,
    show_released: bool,
    limit: i64,
) -> Result<Vec<Listed>, Failure> {
    let (created_at, id) = before.unzip();
    let rows = sqlx::query_file!(
        "sql/quarantine_page.sql",
        group,
        created_at.map(at) as Option<jiff_sqlx::Timestamp>,
        id as Option<Uuid>,
        rooftops as Option<&[String]>,
        show_released,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        id: row.id,
        rooftop: row.rooftop,
        source: row.source,
        event_id: row.event_id,
        event_type: row.event_type,
        reason: i32::from(row.reason),
        message: row.message,
        created_at: row.created_at.to_jiff(),
        released_at: row.released_at.map(|at| at.to_jiff()),
    });
    Ok(listed.collect())
}

/// Why an event may rest that can become right by itself: a rooftop is added, time passes.
const MENDABLE: &[i16] = &[Reason::UnknownRooftop as i16, Reason::TimeInFuture as i16];

/// The oldest events that are not released, those first that may have become right.
pub(crate) async fn oldest(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    limit: i64,
) -> Result<Vec<Resting>, Failure> {
    Ok(sqlx::query_file_as!(
        Resting,
        "sql/quarantine_oldest.sql",
        group,
        rooftops as Option<&[String]>,
        limit,
        MENDABLE
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Those of these events that are not released.
pub(crate) async fn named(
    tx: &mut Tx,
    group: &str,
    ids: &[Uuid],
    rooftops: Option<&[String]>,
) -> Result<Vec<Resting>, Failure> {
    Ok(sqlx::query_file_as!(Resting, "sql/quarantine_named.sql", group, ids, rooftops as Option<&[String]>, MENDABLE)
        .fetch_all(tx.conn())
        .await?)
}

/// Forgets at most `most` events that were last sent, or released, before these instants; answers how many.
pub(crate) async fn expire(
    tx: &mut Tx,
    unseen_since: Timestamp,
    released_before: Timestamp,
    most: i64,
) -> Result<usize, Failure> {
    let (unseen, released) = (at(unseen_since), at(released_before));
    let groups = sqlx::query_file!(
        "sql/quarantine_expiring.sql",
        unseen as jiff_sqlx::Timestamp,
        released as jiff_sqlx::Timestamp
    )
    .fetch_all(tx.conn())
    .await?;
    if groups.is_empty() {
        return Ok(0);
    }
    let mut groups: Vec<&str> = groups.iter().map(|row| row.group_id.as_str()).collect();
    groups.sort_unstable();
    sizes(tx, &groups).await?;
    let gone = sqlx::query_file!(
        "sql/quarantine_expired.sql",
        &groups as &[&str],
        unseen as jiff_sqlx::Timestamp,
        released as jiff_sqlx::Timestamp,
        most
    )
    .fetch_all(tx.conn())
    .await?;
    let mut shrunk: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &gone {
        *shrunk.entry(row.group_id.as_str()).or_default() -= 1;
    }
    grow(tx, &shrunk).await?;
    Ok(gone.len())
}
