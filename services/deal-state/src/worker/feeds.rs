//! What a batch tells of sources: each is judged anew, and all of a rooftop are when the directory says something else of it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::{
    SignedDuration,
    civil::{Date, Time},
    tz::TimeZone,
};

use throughline_journal::ApplyError;
use throughline_platform::{
    Context, Failure,
    db::{Role, Tx},
    tasks::OnExit,
};
use throughline_process::{Feed, Judged};
use throughline_proto::{
    deal::v1 as pb,
    time::{duration_to_wire, to_wire},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    folding::Folding,
    intake::Intake,
    rooftops::{Rooftops, day_of},
};
use crate::{
    metrics::DealMetrics,
    store::{self, KnownFeed, SourceColumns},
};

const COUNTED_EVERY: Duration = Duration::from_secs(10);
/// Followers of the deal log are told of a source that goes on as usual no more often.
const TOLD_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// Event types that are remembered of one source.
const MAX_REPORTS: usize = 500;

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

/// Judges and notes the sources of a batch, and tells followers of the deal log of those that returned, that report
/// another step, or of which they were not told for a while: behind the deals that the batch changed, so that whoever
/// hears that a source was heard from has seen what it reported.
pub async fn note(
    tx: &mut Tx,
    rooftops: &Rooftops,
    intake: &Intake,
    folding: &mut Folding<'_>,
) -> Result<(), ApplyError> {
    let part = folding.part;
    let mut known = known(tx, part, intake).await?;
    for (name, sources) in &intake.sources {
        let Some(watch) = rooftops.watch(name) else { continue };
        for (source, as_of) in sources {
            let known = known.remove(&(&name.0, &name.1, source)).unwrap_or_default();
            let mut feed = known.feed.clone();
            for news in &as_of.news {
                feed.hear(news, &watch.calendars);
            }
            let day = day_of(as_of.recorded_at);
            let of_another_day = |known: Option<&Date>| known.is_none_or(|known| *known < day);
            let mut reports = known.reports.clone();
            for event_type in as_of.types.iter().filter(|of| of_another_day(known.reports.get(*of))) {
                if reports.len() < MAX_REPORTS || reports.contains_key(event_type) {
                    reports.insert(event_type.clone(), day);
                    folding.saving.reported((&name.0, &name.1), source, event_type, day);
                }
            }
            let judged = watch.judge(source, &feed);
            let returns = known.stale_at.is_some_and(|stale_at| stale_at <= as_of.recorded_at);
            let long_ago = known.told_at.is_none_or(|told_at| as_of.recorded_at.duration_since(told_at) >= TOLD_EVERY);
            let told = (returns || long_ago || reports.len() > known.reports.len()) && feed.last_arrival.is_some();
            if told {
                folding.tell(name, state(&name.1, source, &feed, &judged, &reports));
            }
            let columns = SourceColumns {
                recorded_at: as_of.recorded_at,
                event_at: as_of.event_at,
                judged,
                feed,
                told_at: told.then_some(as_of.recorded_at),
            };
            folding.saving.source((&name.0, &name.1), source, columns);
        }
    }
    for name in intake.directory.keys() {
        let Some(watch) = rooftops.watch(name) else { continue };
        let heard = intake.sources.get(name);
        for row in store::feeds_of_rooftop(tx, part, &name.0, &name.1).await? {
            if heard.is_none_or(|heard| !heard.contains_key(&row.source)) {
                let judged = watch.judge(&row.source, &row.columns.feed);
                folding.tell(name, state(&name.1, &row.source, &row.columns.feed, &judged, &row.reports));
                let columns = SourceColumns { judged, ..row.columns };
                folding.saving.source((&name.0, &name.1), &row.source, columns);
            }
        }
    }
    Ok(())
}

/// A source as followers of the deal log judge intervals by it.
fn state(rooftop: &str, source: &str, feed: &Feed, judged: &Judged, reports: &BTreeMap<String, Date>) -> pb::FeedState {
    let step = |(event_type, day): (&String, &Date)| pb::ReportedStep {
        event_type: event_type.clone(),
        last_reported_at: TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok().map(to_wire),
    };
    pb::FeedState {
        rooftop: rooftop.to_owned(),
        source: source.to_owned(),
        last_arrival_at: feed.last_arrival.map(to_wire),
        expected_interval: judged.expected.and_then(|expected| expected.try_into().ok()).map(duration_to_wire),
        stale_at: judged.stale_at.map(to_wire),
        reports: reports.iter().map(step).collect(),
    }
}

/// What is learnt of the sources of a batch.
async fn known<'i>(
    tx: &mut Tx,
    part: u16,
    intake: &'i Intake,
) -> Result<HashMap<(&'i String, &'i String, &'i String), KnownFeed>, ApplyError> {
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
