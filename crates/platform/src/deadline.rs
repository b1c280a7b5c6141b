//! Until when the present call may take: set by the server's deadline layer, read by whatever the call waits for.
use std::{future::Future, time::Duration};

use tokio::time::Instant;

tokio::task_local! {
    static UNTIL: Instant;
}

/// Runs a call that must have ended at an instant.
pub(crate) async fn scope<F: Future>(until: Option<Instant>, call: F) -> F::Output {
    match until {
        Some(until) => UNTIL.scope(until, call).await,
        None => call.await,
    }
}

/// What is left of the present call's time; `None` without a deadline.
pub(crate) fn left() -> Option<Duration> {
    UNTIL.try_with(|until| until.saturating_duration_since(Instant::now())).ok()
}
