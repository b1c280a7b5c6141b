//! What is done now and then, by every process that serves rules: twice does no harm.

use std::time::Duration;

use throughline_platform::{Context, Failure, db::Role, repeat};

use crate::{metrics::RuleMetrics, store};

const EVERY: Duration = Duration::from_secs(30);
/// Alarms made anew in one transaction.
const SOME: i64 = 1_000;

/// Runs until shutdown: makes missing alarms anew, forgets old answers, counts what waits for people.
pub async fn keep_house(cx: Context, metrics: RuleMetrics) -> Result<(), Failure> {
    let shutdown = cx.tasks.shutdown();
    loop {
        while restore_alarms(&cx, &metrics).await? == SOME.unsigned_abs() {}
        let open = cx.db.work(Role::Worker, |tx| {
            Box::pin(async move {
                repeat::forget(tx, crate::SCHEMA).await?;
                Ok::<_, Failure>(store::count_open_reviews(tx).await?)
            })
        });
        metrics.reviews_open(open.await?);
        if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
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
