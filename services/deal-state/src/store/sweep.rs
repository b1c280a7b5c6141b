//! Sweeps under way: deals of a rooftop that fold anew, a few at a time.

use sqlx::{Error, query_file};
use throughline_platform::db::Tx;
use uuid::Uuid;

use super::small;
use crate::CONSUMER;

/// Entity of what concerns all deals of a rooftop: the directory's entries, and a sweep whose rooftop cannot be read.
pub const ROOFTOP: &str = "rooftop";

/// How far a sweep is.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub group: String,
    pub rooftop: String,
    pub after_deal: Uuid,
    /// Not only those that wait for a step that was not observed.
    pub every_deal: bool,
}

/// Which of these parts have a sweep under way.
pub async fn due(tx: &mut Tx, parts: &[u16]) -> Result<Vec<u16>, Error> {
    let parts: Vec<i16> = parts.iter().copied().map(small).collect();
    let due = query_file!("sql/refolds_due.sql", &parts, CONSUMER, ROOFTOP).fetch_all(tx.conn()).await?;
    Ok(due.into_iter().map(|row| row.part as u16).collect())
}

/// Begins sweeps: (group, rooftop, every deal).
pub async fn begin_refolds(tx: &mut Tx, part: u16, begun: &[(String, String, bool)]) -> Result<(), Error> {
    if begun.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = begun.iter().map(|one| one.0.clone()).collect();
    let rooftops: Vec<String> = begun.iter().map(|one| one.1.clone()).collect();
    let every: Vec<bool> = begun.iter().map(|one| one.2).collect();
    query_file!("sql/begin_refolds.sql", small(part), &groups, &rooftops, &every).execute(tx.conn()).await?;
    Ok(())
}

pub async fn next_refold(tx: &mut Tx, part: u16) -> Result<Option<Sweep>, Error> {
    let row = query_file!("sql/next_refold.sql", small(part), CONSUMER, ROOFTOP).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Sweep {
        group: row.group_id,
        rooftop: row.rooftop,
        after_deal: row.after_deal,
        every_deal: row.every_deal,
    }))
}

pub async fn deals_to_refold(tx: &mut Tx, part: u16, sweep: &Sweep, most: i64) -> Result<Vec<Uuid>, Error> {
    let rows = query_file!(
        "sql/deals_to_refold.sql",
        small(part),
        sweep.group,
        sweep.rooftop,
        sweep.after_deal,
        sweep.every_deal,
        most,
        CONSUMER
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.deal_id).collect())
}

pub async fn refold_moved(tx: &mut Tx, part: u16, group: &str, rooftop: &str, to: Uuid) -> Result<(), Error> {
    query_file!("sql/refold_moved.sql", small(part), group, rooftop, to).execute(tx.conn()).await?;
    Ok(())
}

pub async fn refold_done(tx: &mut Tx, part: u16, group: &str, rooftop: &str) -> Result<(), Error> {
    query_file!("sql/refold_done.sql", small(part), group, rooftop).execute(tx.conn()).await?;
    Ok(())
}
