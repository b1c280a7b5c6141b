//! What is done now and then, by every process that serves notification: twice does no harm.

use std::time::Duration;

use jiff::SignedDuration;
use throughline_platform::{Context, Failure, db::Role, repeat};

use crate::{metrics::NotificationMetrics, store};

const EVERY: Duration = Duration::from_secs(30);
/// Messages that ended, and flags that are over, are kept for so long: far longer than any of them could be told of again.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Rows forgotten in one transaction.
const SOME: i64 = 1_000;

/// Runs until shutdown: forgets what is long over, counts what waits. What fails is said, and keeps nothing else waiting.
pub async fn keep_house(cx: Context, metrics: NotificationMetrics) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    loop {
        said("forget what is over", forget_all(&cx).await);
        let now = cx.clock.now();
        let outbox =
            cx.db.work(Role::Worker, |tx| Box::pin(async move { Ok::<_, Failure>(store::outbox(tx).await?) })).await;
        let counted = outbox.map(|outbox| {
            let overdue = outbox.due_since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
            metrics.outbox(outbox.waiting, overdue);
        });
        said("count what waits", counted);
        if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

fn said(chore: &'static str, done: Result<(), Failure>) {
    if let Err(failure) = done {
        tracing::error!(chore, error = ?failure, "a chore of housekeeping failed: the others go on, it is tried again in a while");
    }
}

async fn forget_all(cx: &Context) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    while !shutdown.is_cancelled() && forget(cx).await? {}
    Ok(())
}

/// Says whether there may be more.
async fn forget(cx: &Context) -> Result<bool, Failure> {
    let Ok(before) = cx.clock.now().checked_sub(KEPT) else { return Ok(false) };
    let work = cx.db.work(Role::Worker, move |tx| {
        Box::pin(async move {
            repeat::forget(tx, crate::SCHEMA).await?;
            let deliveries = store::forget_deliveries(tx, before, SOME).await?;
            let flags = store::forget_flags(tx, before, SOME).await?;
            Ok::<_, Failure>(deliveries.max(flags) == SOME.unsigned_abs())
        })
    });
    work.await
}
