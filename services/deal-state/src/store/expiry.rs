//! Steps that no source has reported for too long.

use jiff::Timestamp;
use sqlx::{Error, query_file};
use throughline_platform::db::Tx;

use super::{at, small};
use crate::CONSUMER;

/// Entity of the steps that the sources of a rooftop report.
pub const OBSERVED: &str = "observed";

/// Which of these parts have a step that is to expire by then.
pub async fn parts_expiring(tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, Error> {
    let parts: Vec<i16> = parts.iter().copied().map(small).collect();
    let due =
        query_file!("sql/parts_expiring.sql", &parts, at(until) as _, CONSUMER, OBSERVED).fetch_all(tx.conn()).await?;
    Ok(due.into_iter().map(|row| row.part as u16).collect())
}

/// Rooftops, as (group, rooftop), with a step that is to expire by then.
pub async fn expiring(tx: &mut Tx, part: u16, until: Timestamp, most: i64) -> Result<Vec<(String, String)>, Error> {
    let rows = query_file!("sql/expiring.sql", small(part), at(until) as _, CONSUMER, OBSERVED, most)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (row.group_id, row.rooftop)).collect())
}

/// The steps of a rooftop that are to expire by then are no longer observed.
pub async fn expire(tx: &mut Tx, part: u16, group: &str, rooftop: &str, until: Timestamp) -> Result<(), Error> {
    query_file!("sql/expire_observed.sql", small(part), group, rooftop, at(until) as _).execute(tx.conn()).await?;
    Ok(())
}
