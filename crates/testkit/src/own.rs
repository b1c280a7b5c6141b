use throughline_servers::{Postgres, PostgresOptions, Redis, RedisOptions};

use crate::Scratch;
use crate::database::execute;

/// Servers that one test may kill, stop and restart as it likes. Postgres is durable.
#[derive(Debug)]
pub struct OwnServers {
    pub postgres: Postgres,
    pub redis: Redis,
    // dropped last: the servers are asked to stop before their directory goes
    scratch: Scratch,
}

impl OwnServers {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Lets the test change how its Postgres runs.
    pub async fn start_with(change: impl FnOnce(&mut PostgresOptions)) -> Self {
        let scratch = Scratch::new();
        let mut options = PostgresOptions::new(scratch.path().join("postgres"));
        options.extra.push(("shared_buffers".into(), "64MB".into()));
        change(&mut options);
        let (postgres, redis) = tokio::join!(Postgres::start(&options), OwnRedis::start_in(&scratch));
        let postgres = postgres.unwrap_or_else(|error| panic!("no Postgres for this test: {error}"));
        Self { postgres, redis, scratch }
    }

    /// Makes an empty database and returns its URL.
    pub async fn create_database(&self, name: &str) -> String {
        execute(&self.postgres.url("postgres"), &format!("CREATE DATABASE \"{name}\"")).await;
        self.postgres.url(name)
    }

    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

/// A Redis that one test may flush, kill and restart as it likes.
#[derive(Debug)]
pub struct OwnRedis {
    pub redis: Redis,
    _scratch: Scratch,
}

impl OwnRedis {
    pub async fn start() -> Self {
        let scratch = Scratch::new();
        Self { redis: Self::start_in(&scratch).await, _scratch: scratch }
    }

    async fn start_in(scratch: &Scratch) -> Redis {
        let options = RedisOptions { max_memory_mib: 64, ..RedisOptions::new(scratch.path().join("redis")) };
        Redis::start(&options).await.unwrap_or_else(|error| panic!("no Redis for this test: {error}"))
    }

    pub fn url(&self) -> String {
        self.redis.url()
    }
}
