//! One connection pool per role. A connection keeps its role for life and returns to the pool without an open transaction.
use std::{
    io,
    ops::{Deref, DerefMut},
    str::FromStr,
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, postgres::PgConnectOptions};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{Pools, Role, tx::LONGEST_STATEMENT};
use crate::{Failure, Options};

/// Longest wait for a connection, including the time to open one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was lent within this time is lent again without a ping.
const TESTED_FOR: Duration = Duration::from_secs(1);

/// Age at which a connection is replaced, which bounds the caches of its backend.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Pause between attempts to connect to a server that refuses connections.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

impl Pools {
    pub(super) fn prepare(options: &Options) -> Result<Self, Failure> {
        let login = PgConnectOptions::from_str(&options.postgres_url)
            .map_err(|error| Failure::invalid("postgres_url", error.to_string()))?
            .application_name("throughline");
        Ok(Self::on(login, options))
    }

    /// The same on the database that a login names.
    pub(super) fn on(login: PgConnectOptions, options: &Options) -> Self {
        let pool = |role, connections, planning| RolePool::new(&login, role, connections, options.lease, planning);
        Self {
            api: pool("throughline_api", options.api_connections, ""),
            worker: pool("throughline_worker", options.worker_connections, BY_KEY),
            appender: pool("throughline_appender", options.appender_connections, BY_KEY),
            login,
        }
    }

    pub(super) fn of(&self, role: Role) -> &RolePool {
        match role {
            Role::Api => &self.api,
            Role::Worker => &self.worker,
            Role::Appender => &self.appender,
        }
    }
}

/// What our own work does, thousands of times a second, is to reach a batch of rows by their keys. Planning that anew
/// each time takes longer than doing it, and a plan made while a table was small would read the whole of it once it is not:
/// so each statement is planned once a connection, and always by index.
const BY_KEY: &str = "SET plan_cache_mode = force_generic_plan; \
                      SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;";

/// The connections of one role. This replaces sqlx's pool, which spawns a task and pings Postgres each time a connection is
/// returned (docs/adr/0027).
#[derive(Debug)]
pub(super) struct RolePool {
    pool: Pool<Sessions>,
    lent: TaskTracker,
}

impl RolePool {
    fn new(
        login: &PgConnectOptions,
        role: &'static str,
        connections: u32,
        lease: Duration,
        planning: &'static str,
    ) -> Self {
        // A follower that stands still in a transaction must have lost it before its lease can be taken over.
        let idle = (lease / 2).as_millis();
        let statement = LONGEST_STATEMENT.as_millis();
        let become_role = format!(
            "SET ROLE {role}; SET idle_in_transaction_session_timeout = {idle}; \
             SET statement_timeout = {statement}; {planning}"
        );
        let pool = Pool::builder(Sessions { login: login.clone(), become_role })
            .max_size(connections as usize)
            // Fewer backends do the same work, which keeps their caches warm.
            .queue_mode(QueueMode::Lifo)
            .build();
        let pool = match pool {
            Ok(pool) => pool,
            // A pool needs a runtime only for its own timeouts, and this one sets none.
            Err(error) => unreachable!("{error}"),
        };
        Self { pool, lent: TaskTracker::new() }
    }

    /// Returns a connection; callers are served in order. Fails with `PoolTimedOut` after [`ACQUIRE_TIMEOUT`].
    pub(super) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        // Taken before connecting, so that `close` waits for this caller too.
        let lent = self.lent.token();
        #[expect(clippy::disallowed_methods, reason = "this is the one way")]
        match tokio::time::timeout(ACQUIRE_TIMEOUT, self.pool.get()).await {
            Ok(Ok(session)) => Ok(Connection { session: Some(session), _lent: lent }),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Refuses further callers and waits until every connection has been returned.
    pub(super) async fn close(&self) {
        self.pool.close();
        self.lent.close();
        self.lent.wait().await;
    }

    /// Returns the number of idle and of used connections.
    pub(super) fn counts(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.available, status.size.saturating_sub(status.available))
    }
}

/// A borrowed connection. Dropping it returns it to the pool, unless it was closed.
#[derive(Debug)]
pub(super) struct Connection {
    session: Option<Object<Sessions>>,
    _lent: TaskTrackerToken,
}

impl Connection {
    /// Closes the connection, which aborts its transaction.
    pub(super) fn close(&mut self) {
        drop(self.session.take().map(Object::take));
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.session.as_deref().expect("closed connections are not used")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.session.as_deref_mut().expect("closed connections are not used")
    }
}

/// Opens and checks the connections of one role.
#[derive(Debug)]
pub(super) struct Sessions {
    login: PgConnectOptions,
    become_role: String,
}

impl Sessions {
    /// Retries while the server refuses connections; `acquire` bounds the time.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        loop {
            match PgConnection::connect_with(&self.login).await {
                Ok(mut conn) => {
                    conn.execute(AssertSqlSafe(self.become_role.as_str())).await?;
                    return Ok(conn);
                }
                Err(error) if is_transient(&error) => tokio::time::sleep(RETRY_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The futures of the rare cases are boxed, to keep the future of `acquire` small.
impl Manager for Sessions {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        Box::pin(self.connect()).await
    }

    /// Replaces an old connection, and pings one that may have been closed by the server while it was idle.
    async fn recycle(&self, conn: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > MAX_LIFETIME {
            return Err(RecycleError::message("connection exceeded its lifetime"));
        }
        if metrics.last_used() > TESTED_FOR {
            Box::pin(conn.ping()).await?;
        }
        Ok(())
    }
}

/// Returns whether a retry may succeed: connection refused, too many connections, or a server that starts or stops.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        task::Poll,
    };

    use throughline_testkit::Database;

    use super::{
        super::{Begin, Tx},
        *,
    };

    async fn roles(url: &str) {
        let mut conn = throughline_testkit::connect(url).await;
        for statement in [
            "DO $$ BEGIN CREATE ROLE throughline_test; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            "CREATE TABLE written (round int); GRANT ALL ON written TO throughline_test",
        ] {
            sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
        }
    }

    fn one_connection(url: &str) -> RolePool {
        RolePool::new(&url.parse().unwrap(), "throughline_test", 1, Duration::from_secs(10), BY_KEY)
    }

    async fn begin(pool: &RolePool) -> Tx {
        Tx::begin(pool.acquire().await.unwrap(), None, Begin::Write, None).await.unwrap()
    }

    async fn written(url: &str) -> i64 {
        let mut conn = throughline_testkit::connect(url).await;
        sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(&mut conn).await.unwrap()
    }

    #[tokio::test]
    async fn cancelled_begins_lose_no_write() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        for round in 0..500 {
            // Given up at each place where it waits: for the connection, for BEGIN to be sent, for its answer.
            let (mut begin, mut polls) = (Box::pin(begin(&pool)), round % 7);
            poll_fn(|cx| {
                if polls == 0 || begin.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                polls -= 1;
                if polls == 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            drop(begin);
            pool.acquire().await.unwrap().execute("INSERT INTO written VALUES (1)").await.unwrap();
        }
        pool.close().await;
        assert_eq!(written(database.url()).await, 500);
    }

    #[tokio::test]
    async fn a_transaction_dropped_half_way_takes_its_writes_along_and_nobody_elses() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        let mut dropped = begin(&pool).await;
        dropped.conn().execute("INSERT INTO written VALUES (1)").await.unwrap();
        drop(dropped);
        // Acknowledged at once, and so it has to stay.
        pool.acquire().await.unwrap().execute("INSERT INTO written VALUES (2)").await.unwrap();
        pool.close().await;
        assert_eq!(written(database.url()).await, 1);
    }

    #[tokio::test]
    async fn connection_is_discarded_only_if_the_server_closed_it() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        let mut one = Tx::of_one_statement(pool.acquire().await.unwrap());
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(one.conn()).await.unwrap();
        let mut admin = throughline_testkit::connect(database.url()).await;
        sqlx::query("SELECT pg_terminate_backend($1, 10000)").bind(backend).execute(&mut admin).await.unwrap();
        sqlx::query("SELECT 1").execute(one.conn()).await.unwrap_err();
        one.done(true).await;
        // A failed statement alone does not cost the connection.
        let mut other = Tx::of_one_statement(pool.acquire().await.unwrap());
        let second: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(other.conn()).await.unwrap();
        sqlx::query("SELECT 1 / 0").execute(other.conn()).await.unwrap_err();
        other.done(true).await;
        let third: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *pool.acquire().await.unwrap()).await.unwrap();
        assert_ne!(backend, second);
        assert_eq!(second, third);
    }

    #[tokio::test]
    async fn close_waits_for_borrowed_connections() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        let mut lent = begin(&pool).await;
        let mut closing = Box::pin(pool.close());
        assert!(poll_fn(|cx| Poll::Ready(closing.as_mut().poll(cx).is_pending())).await);
        lent.conn().execute("INSERT INTO written VALUES (1)").await.unwrap();
        lent.commit().await.unwrap();
        closing.await;
        assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolClosed)));
        assert_eq!(written(database.url()).await, 1);
    }

    #[tokio::test]
    async fn waiting_caller_gets_the_returned_connection() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        let lent = pool.acquire().await.unwrap();
        assert_eq!(pool.counts(), (0, 1));
        let mut waiting = Box::pin(pool.acquire());
        assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
        drop(lent);
        drop(waiting.await.unwrap());
        assert_eq!(pool.counts(), (1, 0));
    }
}
