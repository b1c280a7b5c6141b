//! Sends what was decided: claims, tries, settles. Woken by decisions, with a poll behind.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use throughline_platform::{Context, Failure, db::Role, tasks::panic_text, trace};
use tokio::{sync::Notify, task::JoinSet};

use super::{
    settle::{set_back, settle},
    shares::{OF_GROUP, OF_ROUTE, Share, Shares},
    try_once::{Tried, try_once},
};
use crate::{
    domain::withheld,
    metrics::NotificationMetrics,
    store::{self, Claim, Claimed, Due, Unread},
    webhook::{TIMEOUT, Webhooks},
};

/// The longest that a message waits for somebody to look at the clock, in real time: the injected one may run fast.
const LONGEST_POLL: Duration = Duration::from_secs(1);
/// The database is away.
const PAUSE: Duration = Duration::from_secs(1);
/// A try and what is written about it take less, so that nobody else sends the same meanwhile.
const LEASE: Duration = TIMEOUT.saturating_mul(3);

/// Sends messages; replicas share them.
#[derive(Clone)]
pub struct Sender {
    pub(super) cx: Context,
    pub(super) webhooks: Webhooks,
    pub(super) metrics: NotificationMetrics,
    decided: Arc<Notify>,
}

impl Sender {
    pub fn new(cx: Context, webhooks: Webhooks, metrics: NotificationMetrics, decided: Arc<Notify>) -> Self {
        Self { cx, webhooks, metrics, decided }
    }

    /// Sends until shutdown, then lets what is on its way arrive.
    pub async fn run(self) {
        let shutdown = self.cx.tasks.shutdown();
        let poll = self.cx.options.poll.min(LONGEST_POLL);
        let (mut shares, mut under_way) = (Shares::default(), JoinSet::new());
        while !shutdown.is_cancelled() {
            let mut wait = poll;
            match self.claim(&shares).await {
                Ok(due) if due.claimed.is_empty() && due.unread.is_empty() => {}
                Ok(due) => {
                    due.unread.iter().for_each(|one| self.unread(one));
                    for one in due.claimed {
                        let share = shares.take(&one);
                        under_way.spawn(self.clone().handle(one, share));
                    }
                    // There may be more of others than this claim was allowed to take.
                    wait = Duration::ZERO;
                }
                Err(failure) => {
                    tracing::warn!(error = ?failure, "messages to be sent cannot be read: trying again");
                    wait = PAUSE;
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(done) = under_way.join_next() => give_back(&mut shares, done),
                () = self.decided.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            while let Some(done) = under_way.try_join_next() {
                give_back(&mut shares, done);
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// What cannot be read is set back in the same transaction, so that it is not claimed again at once.
    async fn claim(&self, shares: &Shares) -> Result<Due, Failure> {
        if shares.free() == 0 {
            return Ok(Due::default());
        }
        let now = self.cx.clock.now();
        let claim = Claim {
            now,
            busy_routes: shares.busy_routes(),
            busy_groups: shares.busy_groups(),
            most_of_route: OF_ROUTE as i64,
            most_of_group: OF_GROUP as i64,
            most: shares.free() as i64,
            lease: LEASE,
        };
        let work = self.cx.db.work(Role::Worker, move |tx| {
            Box::pin(async move {
                let due = store::claim(tx, claim).await?;
                for one in &due.unread {
                    set_back(tx, one, now).await?;
                }
                Ok(due)
            })
        });
        work.await
    }

    fn unread(&self, one: &Unread) {
        tracing::error!(
            delivery = %one.id,
            group = one.group,
            attempts = one.attempts.saturating_add(1),
            why = one.why,
            "a message to be sent cannot be read: it is tried again a few times and then not sent, the others go on",
        );
        self.metrics.unreadable(one.channel);
    }

    /// Deals with one message. A panic is a failed try like any other: it must not be tried for ever.
    async fn handle(self, delivery: Claimed, share: Share) -> Share {
        let trace = delivery.trace.clone();
        let work = async {
            let now = self.cx.clock.now();
            let why = withheld(delivery.flag, delivery.route_state, delivery.step_at, now);
            let tried = match why {
                Some(why) => Tried::Withheld(why),
                None => match AssertUnwindSafe(try_once(&self, &delivery)).catch_unwind().await {
                    Ok(answer) => Tried::Answered(answer),
                    Err(panic) => {
                        tracing::error!(delivery = %delivery.id, said = panic_text(panic.as_ref()), "sending a message panicked");
                        Tried::panicked()
                    }
                },
            };
            settle(&self, &delivery, &tried).await;
        };
        trace::scope(trace, work).await;
        share
    }
}

/// A task of ours ends by itself: panics are caught within, and nobody aborts it.
fn give_back(shares: &mut Shares, done: Result<Share, tokio::task::JoinError>) {
    match done {
        Ok(share) => shares.give(&share),
        Err(error) => {
            tracing::error!(%error, "the sending of a message ended without a word: it is tried again after its lease")
        }
    }
}
