//! A transaction, opened for one group or for our own work.
use std::time::Duration;

use sqlx::{Connection as _, Executor, PgConnection};

use super::pools::Connection;

/// No statement of ours takes longer, whoever waits for it.
pub(super) const LONGEST_STATEMENT: Duration = Duration::from_secs(60);

/// What a transaction may do and see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Write,
    ReadOnly,
    /// Read only, and every statement sees what the first one saw.
    Snapshot,
}

impl Begin {
    fn statement(self) -> &'static str {
        match self {
            Self::Write => "BEGIN",
            Self::ReadOnly => "BEGIN READ ONLY",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// An open transaction.
///
/// Not sqlx's own: a connection whose `begin` was cancelled goes back to the pool of sqlx 0.9.0 with a transaction open that
/// nobody knows of, and what its next user writes is rolled back after it was acknowledged. Here a connection goes back only
/// once its transaction has ended; dropped before that, it is closed.
#[derive(Debug)]
pub struct Tx {
    conn: Connection,
    ended: bool,
}

impl Tx {
    /// The connection, for `sqlx::query_file!(..).execute(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    pub(super) async fn begin(
        conn: Connection,
        tenant: Option<&str>,
        begin: Begin,
        left: Option<Duration>,
    ) -> Result<Self, sqlx::Error> {
        let mut tx = Self { conn, ended: false };
        tx.conn.execute(begin.statement()).await?;
        // Zero would mean no limit to Postgres.
        let limit = left.map(|left| left.min(LONGEST_STATEMENT).as_millis().max(1));
        match (tenant, limit) {
            (Some(tenant), limit) => {
                let limit = limit.unwrap_or(LONGEST_STATEMENT.as_millis()).to_string();
                sqlx::query_file!("sql/set_tenant.sql", tenant, limit).fetch_one(tx.conn()).await?;
            }
            (None, Some(limit)) => {
                sqlx::query_file!("sql/set_timeout.sql", limit.to_string()).fetch_one(tx.conn()).await?;
            }
            (None, None) => {}
        }
        Ok(tx)
    }

    /// Wraps a connection for one statement, which is a transaction of its own; `done` returns the connection.
    pub(super) fn of_one_statement(conn: Connection) -> Self {
        Self { conn, ended: false }
    }

    /// Returns the connection to the pool. After a failed statement, only if Postgres still answers.
    pub(super) async fn done(mut self, failed: bool) {
        self.ended = !failed || self.conn.ping().await.is_ok();
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(super) async fn rollback(mut self) {
        // The failure that led here is the one worth telling; a connection that can't roll back is closed.
        if let Err(error) = self.end("ROLLBACK").await {
            tracing::debug!(%error, "a rollback failed");
        }
    }

    async fn end(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        self.conn.execute(statement).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.ended {
            self.conn.close();
        }
    }
}
