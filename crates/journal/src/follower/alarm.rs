//! What time brings: alarms that are due, and word to downstream of how far everything is done.
use std::{collections::HashSet, panic::AssertUnwindSafe};
use throughline_platform::jiff_sqlx;

use futures::FutureExt;
use throughline_platform::{db::Role, failure::Failure};

use super::{Follower, part::Asked};
use crate::{ApplyError, Projection, claim::Claim};

impl<P: Projection> Follower<P> {
    /// Which of these parts have an alarm at or before their rule time. Asked for all at once with the latest rule time:
    /// a part that is called too early finds nothing to fire.
    pub(super) async fn ask_due(&self, parts: Vec<(u16, Claim, Asked)>) -> Result<Vec<(u16, Asked, bool)>, Failure> {
        let Some(until) = parts.iter().map(|part| part.1.until).max() else { return Ok(Vec::new()) };
        let inner = self.0.clone();
        let numbers: Vec<u16> = parts.iter().map(|part| part.0).collect();
        let due = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    match AssertUnwindSafe(inner.projection.due(tx, &numbers, until)).catch_unwind().await {
                        Ok(Ok(due)) => Ok(due),
                        Ok(Err(ApplyError::Transient(failure))) => Err(failure),
                        Ok(Err(ApplyError::Poison { cause, .. })) => Err(Failure::internal(cause)),
                        Err(_) => Err(Failure::internal("asking for alarms panicked")),
                    }
                })
            })
            .await?;
        let due: HashSet<u16> = due.into_iter().collect();
        Ok(parts.into_iter().map(|(part, _, asked)| (part, asked, due.contains(&part))).collect())
    }

    /// Writes how far parts are done, for those who follow the log that comes of it.
    pub(super) async fn mark(&self, marks: Vec<(u16, Claim)>) -> Result<Vec<(u16, Claim)>, Failure> {
        let inner = self.0.clone();
        let parts: Vec<i16> = marks.iter().map(|(part, _)| *part as i16).collect();
        let steps: Vec<i64> = marks.iter().map(|(_, claim)| claim.step as i64).collect();
        let untils: Vec<jiff_sqlx::Timestamp> = marks.iter().map(|(_, claim)| claim.until.into()).collect();
        self.0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    sqlx::query(inner.consumer.sql.watermarks_moved.clone())
                        .bind(inner.spec.consumer)
                        .bind(&inner.owner)
                        .bind(parts)
                        .bind(steps)
                        .bind(untils)
                        .execute(tx.conn())
                        .await
                })
            })
            .await?;
        Ok(marks)
    }
}
