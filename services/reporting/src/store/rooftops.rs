//! Zones and calendars of rooftops.

use std::collections::BTreeMap;

use throughline_platform::db::Tx;

use super::Error;
use crate::domain::Rooftop;

/// Keeps rooftops, named by (group, rooftop). Postgres refuses (23514 or 22023) a zone that it does not know.
pub async fn save_rooftops(tx: &mut Tx, rooftops: &BTreeMap<(String, String), Rooftop>) -> Result<(), Error> {
    for ((group, rooftop), told) in rooftops {
        sqlx::query_file!("sql/save_rooftop.sql", group, rooftop, told.zone, told.calendars).execute(tx.conn()).await?;
    }
    Ok(())
}
