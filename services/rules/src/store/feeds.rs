//! Sources of rooftops, as intervals are judged by them.

use std::collections::HashMap;

use jiff::Timestamp;
use throughline_platform::db::Tx;
use throughline_process::{Evidence, Heard};

use super::{Error, stored_part, stored_up};

/// What is known of the sources of these (group, rooftop).
pub async fn load_feeds(
    tx: &mut Tx,
    part: u16,
    wanted: &[(&str, &str)],
) -> Result<HashMap<(String, String), Evidence>, Error> {
    let (groups, rooftops): (Vec<_>, Vec<_>) = wanted.iter().map(|(g, r)| ((*g).to_owned(), (*r).to_owned())).unzip();
    let rows =
        sqlx::query_file!("sql/load_feeds.sql", stored_part(part), &groups, &rooftops).fetch_all(tx.conn()).await?;
    let mut known: HashMap<(String, String), Evidence> = HashMap::new();
    for row in rows {
        let heard: Heard = serde_json::from_str(&row.heard).map_err(|why| Error::unreadable("feed")(&why))?;
        known.entry((row.group_id, row.rooftop)).or_default().feeds.insert(row.source, heard);
    }
    Ok(known)
}

/// Keeps sources as they were last heard from: (group, rooftop, source).
pub async fn save_feeds(tx: &mut Tx, part: u16, feeds: &[((&str, &str, &str), &Heard)]) -> Result<(), Error> {
    if feeds.is_empty() {
        return Ok(());
    }
    let groups: Vec<_> = feeds.iter().map(|((group, ..), _)| (*group).to_owned()).collect();
    let rooftops: Vec<_> = feeds.iter().map(|((_, rooftop, _), _)| (*rooftop).to_owned()).collect();
    let sources: Vec<_> = feeds.iter().map(|((.., source), _)| (*source).to_owned()).collect();
    // Names, numbers, and instants alone: rendering it never fails.
    let heard: Vec<_> = feeds.iter().map(|(_, heard)| serde_json::to_string(heard).unwrap_or_default()).collect();
    sqlx::query_file!("sql/save_feeds.sql", stored_part(part), &groups, &rooftops, &sources, &heard)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Judges deals of a rooftop that wait for a source again, from `at` on.
pub async fn confirm_deals(tx: &mut Tx, part: u16, group: &str, rooftop: &str, at: Timestamp) -> Result<(), Error> {
    sqlx::query_file!("sql/confirm_deals.sql", stored_part(part), group, rooftop, stored_up(at) as _)
        .execute(tx.conn())
        .await?;
    Ok(())
}
