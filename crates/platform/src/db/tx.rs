//! A transaction, opened for one group or for our own work.
use std::time::Duration;

use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection};

/// No statement of ours takes longer, whoever waits for it.
pub(super) const LONGEST_STATEMENT: Duration = Duration::from_secs(60);

/// An open transaction.
#[derive(Debug)]
pub struct Tx(Transaction<'static, Postgres>);

impl Tx {
    /// The connection, for `sqlx::query_file!(..).execute(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    pub(super) async fn begin(
        conn: PoolConnection<Postgres>,
        tenant: Option<&str>,
        read_only: bool,
        left: Option<Duration>,
    ) -> Result<Self, sqlx::Error> {
        let begin = if read_only { "BEGIN READ ONLY" } else { "BEGIN" };
        let mut tx = Self(Transaction::begin(conn, Some(sqlx::SqlStr::from_static(begin))).await?);
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

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }

    pub(super) async fn rollback(self) {
        // The failure that led here is the one worth telling; a connection that can't roll back is closed by the pool.
        if let Err(error) = self.0.rollback().await {
            tracing::debug!(%error, "a rollback failed");
        }
    }
}
