//! Every task has a name and a way to die.
use std::{
    fmt::Display,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::metrics::Metrics;

/// What the end of a task means, however it ends, as long as nobody asked the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExit {
    /// The process is of no use without it: stop, and say why.
    StopProcess,
    /// Begin again after a while: 100 ms, doubling up to 10 s.
    Restart,
}

/// What a task ends with.
pub trait Ending {
    /// What went wrong, if something did.
    fn failure(self) -> Option<String>;
}

impl Ending for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Ending for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// The tasks of this process and their common shutdown.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Task {
    task: &'static str,
}

#[derive(Debug, Default)]
struct Inner {
    restarts: Family<Task, Counter>,
    shutdown: CancellationToken,
    tracker: TaskTracker,
    failed: Mutex<Option<String>>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
// A task that ran for this long was well: its next pause is short again.
const WELL: Duration = Duration::from_secs(60);

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows how often tasks had to begin again.
    pub fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            registry.register("task_restarts", "How often a task ended and began again", self.0.restarts.clone());
        });
    }

    /// Starts a task; `run` makes its future, anew for each restart. It ends when [`Tasks::shutdown`] is cancelled.
    pub fn spawn<M, F>(&self, name: &'static str, on_exit: OnExit, mut run: M)
    where
        M: FnMut() -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Ending + Send,
    {
        let tasks = self.clone();
        let span = tracing::info_span!(parent: None, "task", task = name);
        let supervised = async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let began = Instant::now();
                // The future is made inside, so that a panic while making it is caught as well.
                let ended = AssertUnwindSafe(async { run().await.failure() }).catch_unwind().await;
                let why = match ended {
                    Ok(None) => "it returned".to_owned(),
                    Ok(Some(failure)) => failure,
                    Err(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
                };
                if tasks.0.shutdown.is_cancelled() {
                    return;
                }
                match on_exit {
                    OnExit::StopProcess => {
                        tracing::error!(task = name, why, "a task ended that the process needs: stopping");
                        tasks.fail(format!("task {name:?} ended: {why}"));
                        return;
                    }
                    OnExit::Restart => {
                        if began.elapsed() >= WELL {
                            pause = FIRST_PAUSE;
                        }
                        tasks.0.restarts.get_or_create(&Task { task: name }).inc();
                        tracing::warn!(
                            task = name,
                            why,
                            pause_ms = pause.as_millis() as u64,
                            "a task ended: beginning again"
                        );
                        if tasks.0.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                            return;
                        }
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        };
        self.0.tracker.spawn(supervised.instrument(span));
    }

    /// Cancelled when the process is to stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.0.shutdown.clone()
    }

    /// Asks all tasks to stop.
    pub fn stop(&self) {
        self.0.shutdown.cancel();
    }

    /// Stops the process and keeps the reason; the first one counts.
    pub fn fail(&self, why: String) {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.stop();
    }

    /// Why the process stopped, if it was not asked to.
    pub fn failed(&self) -> Option<String> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for all tasks to end, at most `limit`; false if some had not.
    pub async fn ended(&self, limit: Duration) -> bool {
        self.0.tracker.close();
        let all = tokio::time::timeout(limit, self.0.tracker.wait()).await.is_ok();
        if !all {
            tracing::warn!(left = self.0.tracker.len(), "some tasks did not end in time");
        }
        all
    }
}

/// Returns when the process is asked to stop: SIGTERM or SIGINT.
pub async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use throughline_testkit::eventually;

    use super::*;

    #[tokio::test]
    async fn a_panicking_task_is_restarted() {
        let tasks = Tasks::new();
        let runs = Arc::new(AtomicU32::new(0));
        let (counted, token) = (runs.clone(), tasks.shutdown());
        tasks.spawn("flaky", OnExit::Restart, move || {
            let (run, token) = (counted.fetch_add(1, Ordering::SeqCst), token.clone());
            async move {
                assert!(run >= 2, "not yet");
                token.cancelled().await;
            }
        });
        eventually(Duration::from_secs(20), async || runs.load(Ordering::SeqCst) == 3).await;
        tasks.stop();
        assert!(tasks.ended(Duration::from_secs(1)).await);
        assert_eq!(tasks.failed(), None);
    }

    #[tokio::test]
    async fn the_process_stops_with_a_task_that_it_needs() {
        let tasks = Tasks::new();
        tasks.spawn("vital", OnExit::StopProcess, || async { Err::<(), _>("the disk is full") });
        tasks.shutdown().cancelled().await;
        assert_eq!(tasks.failed().unwrap(), "task \"vital\" ended: the disk is full");
    }

    #[tokio::test]
    async fn a_task_that_ends_because_of_shutdown_is_no_failure() {
        let tasks = Tasks::new();
        let token = tasks.shutdown();
        tasks.spawn("loop", OnExit::StopProcess, move || {
            let token = token.clone();
            async move { token.cancelled().await }
        });
        tasks.stop();
        assert!(tasks.ended(Duration::from_secs(1)).await);
        assert_eq!(tasks.failed(), None);
    }
}
