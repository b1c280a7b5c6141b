//! Housekeeping: what was kept apart and forgotten, and answers that nobody will ask for again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use throughline_platform::{Context, Failure, db::Role, repeat, tasks::OnExit};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    SCHEMA,
    count::Counts,
    store::{dropped, feeds, hooks, imports, quarantine},
    wire::import::abandoned,
};

/// An event in quarantine is kept for so long after it was last sent, and so is what came of a dropped file: the same file dropped
/// later is read again, and its events are duplicates.
const UNSEEN: SignedDuration = SignedDuration::from_hours(180 * 24);
/// And for so long after its release.
const RELEASED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// An import to which nothing is uploaded for so long has failed.
const UNTOUCHED: SignedDuration = SignedDuration::from_hours(24);
/// And one that has ended is kept for so long.
const ENDED: SignedDuration = SignedDuration::from_hours(30 * 24);
const EVERY: Duration = Duration::from_secs(600);
const COUNTED_EVERY: Duration = Duration::from_secs(10);
/// Rows that one transaction forgets.
const AT_A_TIME: i64 = 5_000;

/// Forgets, every ten minutes, and counts silent feeds, until shutdown.
pub(crate) fn spawn(cx: &Context, counts: &Counts) {
    let worked = cx.clone();
    cx.tasks.spawn("ingestion housekeeping", OnExit::Restart, move || run(worked.clone()));
    let counted = (cx.clone(), counts.clone());
    cx.tasks.spawn("ingestion feeds", OnExit::Restart, move || {
        let (cx, counts) = counted.clone();
        count(cx, counts)
    });
}

async fn run(cx: Context) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        while !shutdown.is_cancelled() && forget(&cx).await? {}
    }
    Ok(())
}

/// Counts silent feeds, which become so while nothing happens, and puts those right that lie ahead of the clock.
async fn count(cx: Context, counts: Counts) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    let mut tick = interval(COUNTED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        let now = cx.clock.now();
        let latest = now.checked_add(cx.clock.tolerance()).unwrap_or(Timestamp::MAX);
        let work = cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                // What a clock showed that has stepped back since.
                let put_right = feeds::put_right(tx, latest, now).await?;
                Ok::<_, Failure>((put_right, feeds::stale(tx, now).await?))
            })
        });
        let (put_right, stale) = work.await?;
        if put_right > 0 {
            tracing::warn!(feeds = put_right, "feeds were heard of ahead of the clock: they were by now");
        }
        counts.stale_feeds(stale);
    }
    Ok(())
}

/// Forgets a bounded number of rows; true if there may be more.
async fn forget(cx: &Context) -> Result<bool, Failure> {
    let now = cx.clock.now();
    let (Ok(unseen), Ok(released)) = (now.checked_sub(UNSEEN), now.checked_sub(RELEASED)) else { return Ok(false) };
    let (Ok(untouched), Ok(ended)) = (now.checked_sub(UNTOUCHED), now.checked_sub(ENDED)) else { return Ok(false) };
    let error = abandoned().to_rpc_status().encode_to_vec();
    cx.db
        .work(Role::Worker, move |tx| {
            Box::pin(async move {
                let events = quarantine::expire(tx, unseen, released, AT_A_TIME).await?;
                let answers = repeat::forget(tx, SCHEMA).await?;
                let hooked = hooks::expire_answers(tx, now, AT_A_TIME).await?;
                let failed = imports::abandon(tx, untouched, &error, now, AT_A_TIME).await?;
                let gone = imports::expire(tx, ended, AT_A_TIME).await?;
                let contents = dropped::expire(tx, unseen, AT_A_TIME).await?;
                Ok::<_, Failure>(contents > 0 || events > 0 || answers > 0 || hooked > 0 || failed > 0 || gone > 0)
            })
        })
        .await
}
