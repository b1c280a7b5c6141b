//! Two questions: `liveness` (never depends on the database) and `readiness` (does; off as soon as a stop is asked for).
use std::time::Duration;

use tokio::sync::watch;
use tonic_health::{ServingStatus, server::HealthReporter};

use super::PROBE;
use crate::{Context, Slice, tasks::OnExit};

const EVERY: Duration = Duration::from_secs(2);

pub(super) struct Health {
    pub(super) reporter: HealthReporter,
    state: watch::Sender<State>,
    readiness: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The database does not answer.
    Waiting,
    Ready,
    /// Never ready again.
    Leaving,
}

impl Health {
    /// Not ready until the database has answered once.
    pub(super) async fn start(cx: &Context, slices: &[Slice]) -> Self {
        let reporter = HealthReporter::new();
        reporter.set_service_status("liveness", ServingStatus::Serving).await;
        // The empty name is what a client asks for that knows no others; tonic-health would call it serving at once.
        let mut readiness = vec!["", "readiness"];
        readiness.extend(slices.iter().flat_map(|slice| slice.served.iter().copied()));
        let (state, _) = watch::channel(State::Waiting);
        let health = Self { reporter, state, readiness };
        health.report(State::Waiting).await;
        health.look(cx).await;
        health.keep_looking(cx);
        health
    }

    pub(super) fn ready(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// From now on not ready, and told to everybody who watches.
    pub(super) async fn leave(&self) {
        self.state.send_replace(State::Leaving);
        self.report(State::Leaving).await;
    }

    async fn look(&self, cx: &Context) {
        look(cx, &self.reporter, &self.state, &self.readiness).await;
    }

    fn keep_looking(&self, cx: &Context) {
        let (cx, reporter, state, names) =
            (cx.clone(), self.reporter.clone(), self.state.clone(), self.readiness.clone());
        let tasks = cx.tasks.clone();
        tasks.spawn("readiness", OnExit::Restart, move || {
            let (cx, reporter, state, names) = (cx.clone(), reporter.clone(), state.clone(), names.clone());
            async move {
                let shutdown = cx.tasks.shutdown();
                let mut every = tokio::time::interval(EVERY);
                while shutdown.run_until_cancelled(every.tick()).await.is_some() {
                    look(&cx, &reporter, &state, &names).await;
                }
            }
        });
    }

    async fn report(&self, state: State) {
        tell(&self.reporter, &self.readiness, state).await;
    }
}

async fn look(cx: &Context, reporter: &HealthReporter, state: &watch::Sender<State>, names: &[&'static str]) {
    let found = match cx.db.ping(PROBE).await {
        Ok(()) => State::Ready,
        Err(failure) => {
            tracing::warn!(?failure, "not ready");
            State::Waiting
        }
    };
    // Leaving stays: a slow answer of the database must not bring us back.
    let changed = state.send_if_modified(|state| {
        let change = *state != State::Leaving && *state != found;
        if change {
            *state = found;
        }
        change
    });
    if changed {
        tell(reporter, names, found).await;
        if *state.borrow() == State::Leaving {
            tell(reporter, names, State::Leaving).await;
        }
    }
}

async fn tell(reporter: &HealthReporter, names: &[&'static str], state: State) {
    let status = if state == State::Ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names {
        reporter.set_service_status(*name, status).await;
    }
}
