//! Zones of rooftops.

use std::collections::BTreeMap;

use throughline_platform::db::Tx;

use super::Error;

/// Keeps the zones of rooftops, named by (group, rooftop). Postgres refuses (23514 or 22023) a zone that it does not know.
pub async fn save_zones(tx: &mut Tx, zones: &BTreeMap<(String, String), String>) -> Result<(), Error> {
    for ((group, rooftop), zone) in zones {
        sqlx::query_file!("sql/save_rooftop.sql", group, rooftop, zone).execute(tx.conn()).await?;
    }
    Ok(())
}
