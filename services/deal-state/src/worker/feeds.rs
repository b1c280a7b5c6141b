//! What a batch tells of sources: each is judged anew, and all of a rooftop are when the directory says something else of it.

use std::{collections::HashMap, time::Duration};

use throughline_journal::ApplyError;
use throughline_platform::{
    Context, Failure,
    db::{Role, Tx},
    tasks::OnExit,
};
use throughline_process::Feed;
use tokio::time::{MissedTickBehavior, interval};

use super::{intake::Intake, rooftops::Rooftops};
use crate::{
    metrics::DealMetrics,
    store::{self, Saving, SourceColumns},
};

const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Counts silent sources, which become so while nothing happens, until shutdown.
pub fn spawn(cx: &Context, metrics: &DealMetrics) {
    let counted = (cx.clone(), metrics.clone());
    cx.tasks.spawn("deal-state feeds", OnExit::Restart, move || {
        let (cx, metrics) = counted.clone();
        count(cx, metrics)
    });
}

async fn count(cx: Context, metrics: DealMetrics) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    let mut tick = interval(COUNTED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        let now = cx.clock.now();
        let stale = cx.db.work(Role::Worker, move |tx| Box::pin(async move { store::stale_feeds(tx, now).await }));
        metrics.stale_feeds(stale.await.map_err(|error: store::Error| Failure::from(error))?);
    }
    Ok(())
}

/// Judges and notes the sources of a batch.
pub async fn note(
    tx: &mut Tx,
    part: u16,
    rooftops: &Rooftops,
    intake: &Intake,
    saving: &mut Saving,
) -> Result<(), ApplyError> {
    let mut known = known(tx, part, intake).await?;
    for (name, sources) in &intake.sources {
        let Some(watch) = rooftops.watch(name) else { continue };
        for (source, as_of) in sources {
            let mut feed = known.remove(&(&name.0, &name.1, source)).unwrap_or_default();
            for news in &as_of.news {
                feed.hear(news, &watch.calendars);
            }
            let columns = SourceColumns {
                recorded_at: as_of.recorded_at,
                event_at: as_of.event_at,
                judged: watch.judge(source, &feed),
                feed,
            };
            saving.source((&name.0, &name.1), source, columns);
        }
    }
    for name in intake.directory.keys() {
        let Some(watch) = rooftops.watch(name) else { continue };
        let heard = intake.sources.get(name);
        for row in store::feeds_of_rooftop(tx, part, &name.0, &name.1).await? {
            if heard.is_none_or(|heard| !heard.contains_key(&row.source)) {
                let columns = SourceColumns { judged: watch.judge(&row.source, &row.columns.feed), ..row.columns };
                saving.source((&name.0, &name.1), &row.source, columns);
            }
        }
    }
    Ok(())
}

/// What is learnt of the sources of a batch.
async fn known<'i>(
    tx: &mut Tx,
    part: u16,
    intake: &'i Intake,
) -> Result<HashMap<(&'i String, &'i String, &'i String), Feed>, ApplyError> {
    let heard = intake.sources.iter().flat_map(|(name, sources)| sources.keys().map(move |source| (name, source)));
    let names: Vec<_> = heard.map(|(name, source)| (&name.0, &name.1, source)).collect();
    let mut known = HashMap::with_capacity(names.len());
    if names.is_empty() {
        return Ok(known);
    }
    let mut stored = store::feeds_known(tx, part, &names).await?;
    for name in names {
        let key = (name.0.clone(), name.1.clone(), name.2.clone());
        known.extend(stored.remove(&key).map(|feed| (name, feed)));
    }
    Ok(known)
}
