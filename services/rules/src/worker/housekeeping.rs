//! What is done now and then, by every process that serves rules: twice does no harm.

use std::time::Duration;

use throughline_platform::{Context, Failure, db::Role, repeat};

use crate::{metrics::RuleMetrics, store};

const EVERY: Duration = Duration::from_secs(30);
/// Alarms made anew in one transaction.
const SOME: i64 = 1_000;

/// Runs until shutdown: makes missing alarms anew, forgets old answers, counts what waits for people. What fails is said, and
/// keeps nothing else waiting.
pub async fn keep_house(cx: Context, metrics: RuleMetrics) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    loop {
        said("make missing alarms anew", restore_all(&cx, &metrics).await);
        let forget = cx.db.work(Role::Worker, |tx| {
            Box::pin(async move {
                repeat::forget(tx, crate::SCHEMA).await?;
                Ok::<_, Failure>(())
            })
        });
        said("forget old answers", forget.await);
        let open = cx
            .db
            .work(Role::Worker, |tx| Box::pin(async move { Ok::<_, Failure>(store::count_open_reviews(tx).await?) }));
        said("count open reviews", open.await.map(|open| metrics.reviews_open(open)));
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

async fn restore_all(cx: &Context, metrics: &RuleMetrics) -> Result<(), Failure> {
    while restore_alarms(cx, metrics).await? == SOME.unsigned_abs() {}
    Ok(())
}

async fn restore_alarms(cx: &Context, metrics: &RuleMetrics) -> Result<u64, Failure> {
    let restored = cx
        .db
        .work(Role::Worker, |tx| Box::pin(async move { Ok::<_, Failure>(store::restore_alarms(tx, SOME).await?) }))
        .await?;
    if restored > 0 {
        tracing::warn!(restored, "alarms were missing and were made anew from their deals");
        metrics.alarms_restored(restored);
    }
    Ok(restored)
}
