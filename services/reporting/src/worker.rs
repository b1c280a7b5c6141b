//! Follows the deal log and keeps intervals.

use async_trait::async_trait;
use throughline_journal::{ApplyError, Entry, Projection};
use throughline_platform::db::Tx;
use throughline_proto::log::v1::entry_body::Body;

use crate::{
    domain::{Batch, replace},
    metrics::ReportMetrics,
    store, wire,
};

/// Name of the consumer.
pub const CONSUMER: &str = "reporting";

/// Keeps reports up with the deal log.
pub struct Reporting {
    metrics: ReportMetrics,
}

impl Reporting {
    pub fn new(metrics: ReportMetrics) -> Self {
        Self { metrics }
    }
}

/// Intervals written and removed, counted once they are committed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replaced {
    written: usize,
    removed: usize,
}

#[async_trait]
impl Projection for Reporting {
    type Effects = Replaced;

    fn consumer(&self) -> &'static str {
        CONSUMER
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Replaced, ApplyError> {
        let mut batch = Batch::default();
        for entry in entries {
            read(entry, &mut batch)
                .map_err(|cause| ApplyError::Poison { entity: entry.entity.clone(), cause: cause.to_string() })?;
        }
        save(tx, part, &batch).await
    }

    async fn committed(&self, _part: u16, effects: Replaced) {
        self.metrics.replaced(effects.written, effects.removed);
    }
}

fn read(entry: &Entry, batch: &mut Batch) -> Result<(), wire::Unreadable> {
    let (group, rooftop) = (&entry.group, &entry.rooftop);
    match &entry.body {
        Some(Body::Deal(deal)) => {
            let (key, news) = wire::news_of_deal(group, rooftop, deal)?;
            batch.deal(key, news);
        }
        Some(Body::DealRetraction(retraction)) => {
            let (key, news) = wire::news_of_retraction(group, rooftop, retraction)?;
            batch.deal(key, news);
        }
        Some(Body::Rooftop(told)) => batch.rooftop(group.clone(), rooftop.clone(), wire::rooftop(told)?),
        // Staff, store and feed events are of no deal; what this build does not know it skips.
        _ => {}
    }
    Ok(())
}

async fn save(tx: &mut Tx, part: u16, batch: &Batch) -> Result<Replaced, ApplyError> {
    store::save_rooftops(tx, &batch.rooftops).await.map_err(refused)?;
    if batch.deals.is_empty() {
        return Ok(Replaced::default());
    }
    let kept = store::load_deals(tx, part, batch.deals.keys()).await.map_err(refused)?;
    let (mut newer, mut put, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (key, news) in &batch.deals {
        let Some(replacement) = replace(kept.get(key), news) else { continue };
        newer.push((key, news));
        put.extend(replacement.put.into_iter().map(|interval| (key, interval)));
        gone.extend(replacement.remove.into_iter().map(|interval| (key, interval)));
    }
    store::save_deals(tx, part, &newer).await.map_err(refused)?;
    store::remove_intervals(tx, part, &gone).await.map_err(refused)?;
    store::save_intervals(tx, part, &put).await.map_err(refused)?;
    Ok(Replaced { written: put.len(), removed: gone.len() })
}

/// A value that Postgres refuses, or a row that cannot be read back, parks its deal; everything else is tried again.
fn refused(error: store::Error) -> ApplyError {
    match error {
        store::Error::Database(error) => error.into(),
        unreadable => ApplyError::Poison { entity: String::new(), cause: unreadable.to_string() },
    }
}
