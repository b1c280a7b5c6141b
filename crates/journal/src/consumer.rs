//! A consumer of a log, as this process knows it: its cursors in the database, and a nudge whenever one of them moves here.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use throughline_platform::{self as platform, db::Role, failure::Failure, peers::Peer};
use tokio::{sync::watch, time::Instant};

use crate::{Positions, sql::ConsumerSql};

/// Another process may hold the parts waited for, and moves them without a nudge here.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOOK_AT_MOST: Duration = Duration::from_millis(5);

pub(crate) struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) schema: &'static str,
    /// The log that it follows, and who serves it.
    pub(crate) log: &'static str,
    pub(crate) peer: Peer,
    pub(crate) sql: ConsumerSql,
    pub(crate) cx: platform::Context,
    pub(crate) progress: watch::Sender<Progress>,
}

/// What only the follower of this process knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Batches committed here.
    pub(crate) batches: u64,
    /// When the oldest entry that waits here was recorded.
    pub(crate) oldest: Option<Timestamp>,
    /// How far this process's clock is behind the log; zero within the tolerance.
    pub(crate) behind: SignedDuration,
}

/// One row of the cursors.
pub(crate) struct Cursor {
    pub(crate) part: u16,
    pub(crate) position: u64,
    pub(crate) leased: bool,
    /// Why it stands still.
    pub(crate) stopped: Option<String>,
}

/// What is parked of a consumer.
pub(crate) struct ParkedCounts {
    pub(crate) entries: u64,
    /// Entities of these entries.
    pub(crate) entities: u64,
    /// Entities whose timers are parked.
    pub(crate) timers: u64,
}

impl Consumer {
    pub(crate) async fn cursors(&self) -> Result<Vec<Cursor>, Failure> {
        let (sql, name) = (self.sql.cursors.clone(), self.name);
        let rows = self
            .cx
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(name).fetch_all(tx.conn()).await })
            })
            .await?;
        let cursors = rows.iter().map(|row| {
            Ok(Cursor {
                part: row.try_get::<i16, _>(0)? as u16,
                position: row.try_get::<i64, _>(1)? as u64,
                leased: row.try_get(2)?,
                stopped: row.try_get(3)?,
            })
        });
        cursors.collect::<Result<_, sqlx::Error>>().map_err(Failure::from)
    }

    /// How much is parked.
    pub(crate) async fn parked(&self) -> Result<ParkedCounts, Failure> {
        let (sql, name) = (self.sql.parked_count.clone(), self.name);
        let row = self
            .cx
            .db
            .statement(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(name).fetch_one(tx.conn()).await })
            })
            .await?;
        Ok(ParkedCounts {
            entries: row.try_get::<i64, _>(0)? as u64,
            entities: row.try_get::<i64, _>(1)? as u64,
            timers: row.try_get::<i64, _>(2)? as u64,
        })
    }

    /// Returns once the consumer has committed the effects of everything up to these positions of the log it follows.
    pub(crate) async fn caught_up(&self, positions: &Positions, by: Instant) -> Result<(), Failure> {
        if positions.is_empty() {
            return Ok(());
        }
        let (parts, wanted) = positions.columns();
        let mut progress = self.progress.subscribe();
        loop {
            progress.mark_unchanged();
            let (sql, name, parts, wanted) =
                (self.sql.cursors_behind.clone(), self.name, parts.clone(), wanted.clone());
            let behind: i64 = self
                .cx
                .db
                .statement(Role::Worker, move |tx| {
                    Box::pin(async move {
                        sqlx::query_scalar(sql).bind(name).bind(parts).bind(wanted).fetch_one(tx.conn()).await
                    })
                })
                .await
                .map_err(|error: sqlx::Error| Failure::from(error))?;
            if behind == 0 {
                return Ok(());
            }
            if Instant::now() >= by {
                return Err(Failure::new(
                    tonic::Code::DeadlineExceeded,
                    throughline_proto::error::v1::Reason::DeadlineExceeded,
                    format!("consumer {:?} has not caught up in time: {behind} parts are behind", self.name),
                )
                .with("consumer", self.name));
            }
            let moved = async {
                // A follower under load commits more often than a caller needs to look.
                tokio::time::sleep(LOOK_AT_MOST).await;
                if progress.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let look_again = (Instant::now() + LOOK_AGAIN).min(by);
            let _ = tokio::time::timeout_at(look_again, moved).await;
        }
    }
}
