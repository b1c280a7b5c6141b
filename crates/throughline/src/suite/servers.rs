//! Private Postgres and Redis of a suite, or those that the user names.
use anyhow::Context as _;
use throughline_servers::{Postgres, PostgresOptions, Redis, RedisOptions, create_passable};

use super::{Plan, write_secret};

/// The database of a private Postgres.
const DATABASE: &str = "throughline";

/// Private servers that were started; dropping them stops them.
pub struct Servers {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    /// Postgres to work with.
    pub postgres_url: String,
    /// Redis to work with.
    pub redis_url: Option<String>,
}

impl Servers {
    /// Starts what the plan does not name.
    ///
    /// # Errors
    /// If a server is not installed, the folder cannot be reached by its user, or it does not start.
    pub async fn start(plan: &Plan) -> anyhow::Result<Self> {
        create_passable(&plan.data)?;
        let (postgres, postgres_url) = match &plan.postgres_url {
            Some(url) => (None, url.clone()),
            None => {
                let postgres = Postgres::start(&PostgresOptions::new(plan.data.join("postgres"))).await?;
                create_database(&postgres.url("postgres"), DATABASE).await?;
                let url = postgres.url(DATABASE);
                // For whoever must look with psql.
                write_secret(&plan.data.join("postgres.url"), &url)?;
                (Some(postgres), url)
            }
        };
        let (redis, redis_url) = match (&plan.redis_url, &plan.postgres_url) {
            (Some(url), _) => (None, Some(url.clone())),
            // Who brings a Postgres and no Redis means to run without one.
            (None, Some(_)) => (None, None),
            (None, None) => {
                let redis = Redis::start(&RedisOptions::new(plan.data.join("redis"))).await?;
                let url = redis.url();
                (Some(redis), Some(url))
            }
        };
        Ok(Self { postgres, redis, postgres_url, redis_url })
    }

    /// A database of the private Postgres.
    ///
    /// # Errors
    /// If the Postgres is not private.
    pub fn database_url(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.private()?.url(name))
    }

    /// Makes a database of the private Postgres.
    ///
    /// # Errors
    /// If the Postgres is not private, or refuses.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<()> {
        create_database(&self.private()?.url("postgres"), name).await
    }

    /// Drops a database of the private Postgres, with whoever is connected.
    ///
    /// # Errors
    /// If the Postgres is not private, or refuses.
    pub async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        use sqlx::{Connection as _, Executor as _};
        let mut connection = sqlx::PgConnection::connect(&self.private()?.url("postgres")).await?;
        connection.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
        connection.close().await?;
        Ok(())
    }

    fn private(&self) -> anyhow::Result<&Postgres> {
        self.postgres.as_ref().context("this needs a private Postgres")
    }

    /// Stops what was started.
    pub async fn stop(mut self) {
        if let Some(redis) = &mut self.redis {
            redis.stop().await;
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.stop().await;
        }
    }

    /// Returns when a private Postgres has ended by itself: nothing can be promised then. Redis may end at any time.
    pub async fn lost(&self) {
        match &self.postgres {
            Some(postgres) => {
                postgres.exited().await;
            }
            None => std::future::pending().await,
        }
    }
}

async fn create_database(url: &str, name: &str) -> anyhow::Result<()> {
    use sqlx::{Connection as _, Executor as _, Row as _};
    let mut connection = sqlx::PgConnection::connect(url).await.context("cannot reach the private Postgres")?;
    let there: bool = sqlx::query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await?
        .get(0);
    if !there {
        connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    }
    connection.close().await?;
    Ok(())
}
