//! A pool a role: connections become that role for life and leave no transaction open behind them.
use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Pools, Role, tx::LONGEST_STATEMENT};
use crate::{Failure, Options};

/// How long a connection that was tested is believed to be whole.
const TESTED_FOR: Duration = Duration::from_secs(1);

impl Pools {
    pub(super) fn prepare(options: &Options) -> Result<Self, Failure> {
        let login = PgConnectOptions::from_str(&options.postgres_url)
            .map_err(|error| Failure::invalid("postgres_url", error.to_string()))?
            .application_name("throughline");
        Ok(Self::on(login, options))
    }

    /// The same on the database that a login names.
    pub(super) fn on(login: PgConnectOptions, options: &Options) -> Self {
        let pool = |role, connections, planning| pool(login.clone(), role, connections, options.lease, planning);
        Self {
            api: pool("throughline_api", options.api_connections, ""),
            worker: pool("throughline_worker", options.worker_connections, BY_KEY),
            appender: pool("throughline_appender", options.appender_connections, BY_KEY),
            login,
        }
    }

    pub(super) fn of(&self, role: Role) -> &PgPool {
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

fn pool(
    login: PgConnectOptions,
    role: &'static str,
    connections: u32,
    lease: Duration,
    planning: &'static str,
) -> PgPool {
    // A follower that stands still in a transaction must have lost it before its lease can be taken over.
    let idle = (lease / 2).as_millis();
    let statement = LONGEST_STATEMENT.as_millis();
    let become_role = format!(
        "SET ROLE {role}; SET idle_in_transaction_session_timeout = {idle}; SET statement_timeout = {statement}; {planning}"
    );
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .max_lifetime(Duration::from_secs(30 * 60))
        .after_connect(move |conn, _| {
            let become_role = become_role.clone();
            Box::pin(async move {
                conn.execute(AssertSqlSafe(become_role)).await?;
                Ok(())
            })
        })
        // Giving a connection back tests it already; one that has lain unused may have been closed by the other side.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > TESTED_FOR {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(login)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the pool itself is under test")]
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

    fn one_connection(url: &str) -> PgPool {
        pool(url.parse().unwrap(), "throughline_test", 1, Duration::from_secs(10), BY_KEY)
    }

    async fn begin(pool: &PgPool) -> Tx {
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
}
