//! What a watcher of a board asks of rooftops.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Error, query_file};
use throughline_platform::db::Tx;

/// A rooftop as a watcher needs it.
#[derive(Clone, Debug)]
pub struct WatchedRooftop {
    pub part: u16,
    pub rooftop: String,
    /// Encoded `Rooftop`.
    pub body: Vec<u8>,
}

/// The rooftops of a group by id, at most `limit` of them. `wanted`: none means all; those in `known` are left out.
pub async fn watched_rooftops(
    tx: &mut Tx,
    group: &str,
    wanted: Option<&[String]>,
    known: &[String],
    limit: i64,
) -> Result<Vec<WatchedRooftop>, Error> {
    let rows = query_file!("sql/watched_rooftops.sql", group, wanted as _, known, limit).fetch_all(tx.conn()).await?;
    let rooftops =
        rows.into_iter().map(|row| WatchedRooftop { part: row.part as u16, rooftop: row.rooftop, body: row.body });
    Ok(rooftops.collect())
}

/// The event types that some source of these rooftops reports, by rooftop; a rooftop without any is absent.
pub async fn watched_observed(
    tx: &mut Tx,
    group: &str,
    rooftops: &[String],
) -> Result<HashMap<String, BTreeSet<String>>, Error> {
    let rows = query_file!("sql/watched_observed.sql", group, rooftops).fetch_all(tx.conn()).await?;
    let mut observed: HashMap<String, BTreeSet<String>> = HashMap::new();
    for row in rows {
        observed.entry(row.rooftop).or_default().insert(row.event_type);
    }
    Ok(observed)
}
