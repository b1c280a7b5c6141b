//! Months of a log: this one and the next are made ahead of time, so that no append has to.
use std::sync::{PoisonError, RwLock};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_platform::{
    db::{Role, Tx},
    failure::Failure,
    tasks::OnExit,
};
use tokio::sync::Notify;

use crate::Log;

/// The first day of the month (UTC) under which an instant is stored.
pub(crate) fn month_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date().first_of_month()
}

#[derive(Default)]
pub(crate) struct Months {
    /// Committed, so that nobody's rollback can take them away.
    made: RwLock<Vec<Date>>,
    wanted: Notify,
}

impl Log {
    /// Makes months ahead of the clock until shutdown.
    pub(crate) fn keep_months(&self) {
        let log = self.clone();
        let tasks = &self.platform().tasks;
        tasks.spawn("journal-months", OnExit::Restart, move || {
            let log = log.clone();
            async move { log.run_months().await }
        });
    }

    async fn run_months(&self) {
        let cx = self.platform();
        let shutdown = cx.tasks.shutdown();
        loop {
            let now = cx.clock.now();
            let this = month_of(now);
            let next = this.saturating_add(1.month());
            let made = async {
                self.make_month(this).await?;
                self.make_month(next).await
            };
            let wait = async {
                match made.await {
                    Ok(()) => {
                        // The next one is there: time enough until the middle of it.
                        let middle = next.saturating_add(14.days());
                        let at = middle.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::MAX, |at| at.timestamp());
                        tokio::select! {
                            () = cx.clock.sleep_until(at) => {}
                            () = self.months().wanted.notified() => {}
                        }
                    }
                    Err(failure) => {
                        tracing::warn!(log = self.name(), error = ?failure, "a month of the log could not be made, trying again");
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    }
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = wait => {}
            }
        }
    }

    /// Makes a month in a transaction of its own; nothing is asked of the database if that was done before.
    pub(crate) async fn make_month(&self, month: Date) -> Result<(), Failure> {
        if self.is_made(month) {
            return Ok(());
        }
        let sql = self.sql().ensure_month.clone();
        self.platform()
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query(sql).bind(month.to_sqlx()).execute(tx.conn()).await.map(drop) })
            })
            .await
            .map_err(|error: sqlx::Error| Failure::from(error))?;
        self.months().made.write().unwrap_or_else(PoisonError::into_inner).push(month);
        Ok(())
    }

    fn is_made(&self, month: Date) -> bool {
        self.months().made.read().unwrap_or_else(PoisonError::into_inner).contains(&month)
    }

    /// For an append whose clock jumped ahead of the task above: makes the month within the transaction.
    pub(crate) async fn need_month(&self, tx: &mut Tx, month: Date) -> Result<(), Failure> {
        if self.is_made(month) {
            return Ok(());
        }
        self.months().wanted.notify_one();
        sqlx::query(self.sql().ensure_month.clone()).bind(month.to_sqlx()).execute(tx.conn()).await?;
        Ok(())
    }
}
