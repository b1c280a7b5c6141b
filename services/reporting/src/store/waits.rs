//! Pages of deals with their waits.

use throughline_platform::db::Tx;

use super::Error;
use crate::domain::Waits;

/// Where a page begins: after this deal, in the order of rooftop and deal; the first page begins after nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After {
    pub rooftop: String,
    pub deal: String,
}

/// The waits of one deal.
#[derive(Clone, Debug, PartialEq)]
pub struct DealWaits {
    pub rooftop: String,
    pub deal: String,
    pub subject: String,
    pub waits: Waits,
}

/// At most `limit` deals with what they waited for; those that waited for nothing are among them.
pub async fn list_waits(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    after: &After,
    limit: u32,
) -> Result<Vec<DealWaits>, Error> {
    let rows =
        sqlx::query_file!("sql/list_deal_waits.sql", group, rooftops, after.rooftop, after.deal, i64::from(limit))
            .fetch_all(tx.conn())
            .await?;
    let mut deals: Vec<DealWaits> = Vec::new();
    for row in rows {
        if deals.last().is_none_or(|last| (&last.rooftop, &last.deal) != (&row.rooftop, &row.deal_id)) {
            let waits = Waits::default();
            deals.push(DealWaits { rooftop: row.rooftop, deal: row.deal_id, subject: row.subject, waits });
        }
        if let (Some(deal), Some(measure), Some(round), Some(seconds)) =
            (deals.last_mut(), row.measure, row.round, row.seconds)
        {
            deal.waits.accepted(&measure, u32::try_from(round).unwrap_or(u32::MAX), seconds);
        }
    }
    Ok(deals)
}
