//! The only way to a connection. Who asks decides what is seen: DESIGN's roles, one pool each.
mod beside;
mod catalogue;
mod exclusive;
mod gauges;
mod migrate;
mod pools;
mod tx;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use tracing::Instrument;

pub use beside::Beside;
pub use catalogue::{Sight, catalogue_check};
pub use exclusive::Exclusive;
pub use migrate::{MIGRATIONS, Migrations};
pub use tx::Tx;

use self::{pools::RolePool, tx::Begin};
use crate::{Failure, Options, Principal, deadline, trace};

/// As whom the database is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Calls from outside: the rows of one group. Use [`Db::read`] and [`Db::write`].
    Api,
    /// Followers, alarms, housekeeping: all rows.
    Worker,
    /// Appending to logs: all rows, a pool of its own so that reading never delays an append.
    Appender,
}

/// Postgres, under the roles of this process.
#[derive(Clone, Debug)]
pub struct Db(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    login: PgConnectOptions,
    api: RolePool,
    worker: RolePool,
    appender: RolePool,
}

impl Db {
    /// Prepares the pools; the first use connects. Migrate before anything else: the roles are made there.
    pub async fn connect(options: &Options) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Pools::prepare(options)?)))
    }

    /// A read-only transaction that sees the caller's group alone; bounded by the caller's deadline.
    pub async fn read<T, E, F>(&self, principal: &Principal, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.run(Role::Api, Some(principal.group.clone()), Begin::ReadOnly, f).await
    }

    /// A transaction that sees and writes the caller's group alone. It commits when `f` succeeds, even if the caller is gone.
    pub async fn write<T, E, F>(&self, principal: &Principal, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.run(Role::Api, Some(principal.group.clone()), Begin::Write, f).await
    }

    /// A transaction of our own work over all groups. It commits when `f` succeeds.
    pub async fn work<T, E, F>(&self, role: Role, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.run(role, None, Begin::Write, f).await
    }

    /// A transaction of our own work that reads all groups as they stood when it first looked, however long it takes.
    pub async fn snapshot<T, E, F>(&self, role: Role, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.run(role, None, Begin::Snapshot, f).await
    }

    /// Whether Postgres answers, within `limit`.
    pub async fn ping(&self, limit: Duration) -> Result<(), Failure> {
        let asked = self.statement(Role::Worker, |tx| {
            Box::pin(async move {
                sqlx::query_file!("sql/ping.sql").fetch_one(tx.conn()).await?;
                Ok::<_, Failure>(())
            })
        });
        match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer,
            Err(late) => Err(Failure::unavailable("the database", late)),
        }
    }

    /// Closes the pools once their connections are back.
    pub async fn close(&self) {
        tokio::join!(self.0.api.close(), self.0.worker.close(), self.0.appender.close());
    }

    /// A single statement of our own work over all groups, without the round trips that begin and commit: for what is
    /// asked hundreds of times a second.
    pub async fn statement<T, E, F>(&self, role: Role, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        let conn = self.0.of(role).acquire().await?;
        apart(async move {
            let mut tx = Tx::of_one_statement(conn);
            let outcome = f(&mut tx).await;
            tx.done(outcome.is_err()).await;
            outcome
        })
        .await
    }

    async fn run<T, E, F>(&self, role: Role, tenant: Option<String>, begin: Begin, f: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        let conn = self.0.of(role).acquire().await?;
        let left = deadline::left();
        apart(async move {
            let mut tx = Tx::begin(conn, tenant.as_deref(), begin, left).await?;
            match f(&mut tx).await {
                Ok(value) => {
                    tx.commit().await?;
                    Ok(value)
                }
                Err(error) => {
                    tx.rollback().await;
                    Err(error)
                }
            }
        })
        .await
    }
}

/// A caller that gives up while it queues for a connection leaves the queue; from there on it can't reach the work any more:
/// a transaction dropped half way is how a later, acknowledged write was lost (sqlx 0.9.0).
#[expect(clippy::disallowed_methods, reason = "the task is awaited at once and holds one transaction")]
async fn apart<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<sqlx::Error> + Send + 'static,
{
    match tokio::spawn(trace::carry(work).in_current_span()).await {
        Ok(outcome) => outcome,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the end of the runtime cancels it.
            Err(_) => Err(sqlx::Error::WorkerCrashed.into()),
        },
    }
}
