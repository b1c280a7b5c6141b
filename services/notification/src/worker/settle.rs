//! Writes down what became of a message.

use std::time::Duration;

use jiff::Timestamp;
use throughline_platform::{
    Failure,
    db::{Role, Tx},
};

use super::{
    sender::Sender,
    try_once::{Tried, channel},
};
use crate::{
    domain::{Next, Withheld, after_failure},
    store::{self, Claimed, Ended, Unread},
    webhook::Answer,
    wire::DeliveryState,
};

/// Tries at writing it down. If all fail, the lease ends and the message is sent again, under the same id.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What is written.
#[derive(Clone, Debug)]
enum Outcome {
    Ended(Ended, Option<Withheld>),
    /// And its receiver wants nothing more.
    Gone(Ended),
    Again {
        attempts: u32,
        result: String,
        next_at: Timestamp,
    },
}

/// Writes down what became of a message, once it is known.
pub async fn settle(sender: &Sender, delivery: &Claimed, tried: &Tried) {
    let outcome = outcome(delivery, tried, sender.cx.clock.now());
    let mut pause = FIRST_PAUSE;
    for left in (0..TRIES).rev() {
        match write(sender, delivery, outcome.clone()).await {
            Ok(Some(withheld_beside)) => return count(sender, delivery, &outcome, withheld_beside),
            Ok(None) => {
                tracing::warn!(delivery = %delivery.id, "somebody else has taken a message over: what became of this try is not kept");
                return;
            }
            Err(failure) if left == 0 => {
                tracing::error!(delivery = %delivery.id, error = ?failure, "what became of a message cannot be kept: it is sent again");
            }
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

fn outcome(delivery: &Claimed, tried: &Tried, now: Timestamp) -> Outcome {
    let attempts = delivery.attempts.saturating_add(1);
    let ended = |state, attempts, result: String| Ended { state, attempts, result, at: now };
    let answer = match tried {
        Tried::Withheld(why) => {
            let ended = ended(DeliveryState::Suppressed, delivery.attempts, why.as_str().to_owned());
            return Outcome::Ended(ended, Some(*why));
        }
        Tried::Answered(answer) => answer,
    };
    let (result, retry_after) = match answer {
        Answer::Taken { status } => {
            return Outcome::Ended(ended(DeliveryState::Delivered, attempts, format!("http {status}")), None);
        }
        Answer::Gone => return Outcome::Gone(ended(DeliveryState::Failed, attempts, "http 410".to_owned())),
        Answer::Refused { status, retry_after } => (format!("http {status}"), *retry_after),
        Answer::Silent { why } => ((*why).to_owned(), None),
    };
    match after_failure(attempts, now, delivery.step_at, retry_after, rand::random()) {
        Next::Again(next_at) => Outcome::Again { attempts, result, next_at },
        Next::GiveUp => Outcome::Ended(ended(DeliveryState::Failed, attempts, result), None),
    }
}

/// What cannot be read is a failed try like any other: it has a budget, and whoever lists messages sees why.
pub async fn set_back(tx: &mut Tx, delivery: &Unread, now: Timestamp) -> Result<(), Failure> {
    let attempts = delivery.attempts.saturating_add(1);
    let result = format!("unreadable: {}", delivery.why);
    // When its flag reached the step may be what cannot be read: it is tried for as long as if that were now.
    match after_failure(attempts, now, now, None, rand::random()) {
        Next::Again(next_at) => store::postpone_unread(tx, delivery, attempts, &result, next_at).await?,
        Next::GiveUp => {
            let ended = Ended { state: DeliveryState::Failed, attempts, result, at: now };
            store::end_unread(tx, delivery, &ended).await?
        }
    };
    Ok(())
}

/// How many other messages were withheld with it; none if it was not ours any more.
async fn write(sender: &Sender, delivery: &Claimed, outcome: Outcome) -> Result<Option<u64>, Failure> {
    let delivery = delivery.clone();
    let work = sender.cx.db.work(Role::Worker, |tx| {
        Box::pin(async move {
            Ok(match outcome {
                Outcome::Ended(ended, _) => store::end_delivery(tx, &delivery, &ended).await?.then_some(0),
                Outcome::Again { attempts, result, next_at } => {
                    store::postpone_delivery(tx, &delivery, attempts, &result, next_at).await?.then_some(0)
                }
                Outcome::Gone(ended) => close_route(tx, &delivery, &ended).await?,
            })
        })
    });
    work.await
}

async fn close_route(tx: &mut Tx, delivery: &Claimed, ended: &Ended) -> Result<Option<u64>, Failure> {
    // The route first, as when it is deleted: two who lock both never wait for each other.
    let disabled = store::disable_route(tx, &delivery.group, &delivery.route, ended.at).await?;
    let ours = store::end_delivery(tx, delivery, ended).await?;
    let why = Withheld::RouteDisabled;
    let others = store::withhold_of_route(tx, &delivery.group, &delivery.route, why, ended.at).await?;
    if disabled {
        tracing::warn!(
            group = delivery.group,
            route = delivery.route,
            "the receiver of a route is gone (410): the route is disabled"
        );
    }
    Ok(ours.then_some(others))
}

fn count(sender: &Sender, delivery: &Claimed, outcome: &Outcome, withheld_beside: u64) {
    let (metrics, channel) = (&sender.metrics, channel(delivery));
    match outcome {
        Outcome::Ended(_, Some(why)) => metrics.suppressed(*why, 1),
        Outcome::Ended(Ended { state: DeliveryState::Delivered, .. }, None) => metrics.delivered(channel),
        Outcome::Ended(ended, None) => {
            metrics.failed(channel);
            tracing::warn!(
                delivery = %delivery.id,
                group = delivery.group,
                route = delivery.route,
                attempts = ended.attempts,
                result = ended.result,
                "a message is given up",
            );
        }
        Outcome::Gone(_) => {
            metrics.failed(channel);
            metrics.suppressed(Withheld::RouteDisabled, withheld_beside);
        }
        Outcome::Again { .. } => metrics.retried(channel),
    }
}
