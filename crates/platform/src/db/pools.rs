//! A pool a role: connections become that role for life and leave no transaction open behind them.
use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Pools, Role, tx::LONGEST_STATEMENT};
use crate::{Failure, Options};

impl Pools {
    pub(super) fn prepare(options: &Options) -> Result<Self, Failure> {
        let login = PgConnectOptions::from_str(&options.postgres_url)
            .map_err(|error| Failure::invalid("postgres_url", error.to_string()))?
            .application_name("throughline");
        let pool = |role, connections| pool(login.clone(), role, connections, options.lease);
        Ok(Self {
            api: pool("throughline_api", options.api_connections),
            worker: pool("throughline_worker", options.worker_connections),
            appender: pool("throughline_appender", options.appender_connections),
            login,
        })
    }

    pub(super) fn of(&self, role: Role) -> &PgPool {
        match role {
            Role::Api => &self.api,
            Role::Worker => &self.worker,
            Role::Appender => &self.appender,
        }
    }
}

fn pool(login: PgConnectOptions, role: &'static str, connections: u32, lease: Duration) -> PgPool {
    // A follower that stands still in a transaction must have lost it before its lease can be taken over.
    let idle = (lease / 2).as_millis();
    let statement = LONGEST_STATEMENT.as_millis();
    let become_role = format!(
        "SET ROLE {role}; SET idle_in_transaction_session_timeout = {idle}; SET statement_timeout = {statement};"
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
        // A begin() that was cancelled may have left a transaction open that sqlx 0.9.0 does not know of, and whatever the
        // next user writes would be rolled back after it was acknowledged. BEGIN first, because a bare ROLLBACK warns each time.
        .after_release(|conn, _| {
            Box::pin(async move {
                conn.execute("BEGIN; ROLLBACK").await?;
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

    use super::*;

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
        pool(url.parse().unwrap(), "throughline_test", 1, Duration::from_secs(10))
    }

    async fn written(url: &str) -> i64 {
        let mut conn = throughline_testkit::connect(url).await;
        sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(&mut conn).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_comes_back_without_the_transaction_that_sqlx_does_not_know_of() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        let mut poisoned = pool.acquire().await.unwrap();
        poisoned.execute("BEGIN; INSERT INTO written VALUES (1)").await.unwrap();
        drop(poisoned);
        // Acknowledged at once, and so it has to stay.
        pool.acquire().await.unwrap().execute("INSERT INTO written VALUES (2)").await.unwrap();
        pool.close().await;
        assert_eq!(written(database.url()).await, 1);
    }

    #[tokio::test]
    async fn cancelled_begins_lose_no_write() {
        let database = Database::create().await;
        roles(database.url()).await;
        let pool = one_connection(database.url());
        for round in 0..500 {
            // Given up at each place where it waits: for the connection, for BEGIN to be sent, for its answer.
            let (mut begin, mut polls) = (Box::pin(pool.begin()), round % 7);
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
}
