//! What time brings: alarms that are due, and word to downstream of how far everything is done.
use std::collections::HashSet;
use throughline_platform::jiff_sqlx;

use jiff::Timestamp;
use throughline_platform::{db::Role, failure::Failure};

use super::{Follower, batch::Refused, job::Alarms, part::Asked};
use crate::{Projection, claim::Claim};

impl<P: Projection> Follower<P> {
    /// Which of these parts have an alarm at or before their rule time. Asked for all at once with the latest rule time:
    /// a part that is called too early finds nothing to fire. If that is refused, each is asked for alone.
    pub(super) async fn ask_due(&self, parts: Vec<(u16, Claim, Asked)>) -> Vec<(u16, Asked, Alarms)> {
        let Some(until) = parts.iter().map(|part| part.1.until).max() else { return Vec::new() };
        let numbers: Vec<u16> = parts.iter().map(|part| part.0).collect();
        let answer = self.due(numbers, until).await;
        let mut answers = Vec::with_capacity(parts.len());
        for (part, until, asked) in parts {
            let alarms = match &answer {
                Ok(due) if due.contains(&part) => Alarms::Due,
                Ok(_) => Alarms::None,
                Err(Refused::Poison { .. }) => match self.due(vec![part], until.until).await {
                    Ok(due) if due.is_empty() => Alarms::None,
                    Ok(_) => Alarms::Due,
                    Err(refused) => unasked(refused),
                },
                Err(Refused::Transient(failure)) => Alarms::Away(failure.clone()),
                Err(Refused::Lost) => Alarms::None,
            };
            answers.push((part, asked, alarms));
        }
        answers
    }

    async fn due(&self, parts: Vec<u16>, until: Timestamp) -> Result<HashSet<u16>, Refused> {
        let inner = self.0.clone();
        let due = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move { inner.caught(inner.projection.due(tx, &parts, until)).await })
            })
            .await?;
        Ok(due.into_iter().collect())
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
        if let Some(log) = self.0.logs.downstream_of(self.0.spec.consumer) {
            log.wake_completeness();
        }
        Ok(marks)
    }
}

fn unasked(refused: Refused) -> Alarms {
    match refused {
        Refused::Poison { cause, .. } => Alarms::Broken(cause),
        Refused::Transient(failure) => Alarms::Away(failure),
        // Asking moves no cursor.
        Refused::Lost => Alarms::None,
    }
}
