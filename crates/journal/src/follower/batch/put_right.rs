//! What is stored of a part may lie ahead of a clock that stepped back: it is put right before any alarm fires.
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use throughline_platform::db::Role;

use super::{Fence, Refused};
use crate::{
    Projection,
    claim::Claim,
    follower::{Follower, job::Outcome},
};

impl<P: Projection> Follower<P> {
    pub(super) async fn put_right(&self, fence: Fence, rule_time: Claim) -> Outcome {
        let inner = self.0.clone();
        let done = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    let done = inner.projection.put_right(tx, fence.part, rule_time.until);
                    AssertUnwindSafe(done).catch_unwind().await.map_err(Refused::panicked)??;
                    inner.move_cursor(tx, fence, fence.position).await
                })
            })
            .await;
        match done {
            Ok(()) => Outcome::PutRight(rule_time),
            Err(Refused::Lost) => Outcome::Lost,
            Err(Refused::Transient(failure)) => Outcome::Transient { failure, rest: Vec::new() },
            Err(Refused::Poison { cause, .. }) => {
                tracing::error!(
                    consumer = self.0.spec.consumer, part = fence.part, rule_time = %rule_time.until, cause,
                    "what lies ahead of the clock cannot be put right: the part's alarms wait, and it is tried again",
                );
                Outcome::TickFailed(cause)
            }
        }
    }
}
