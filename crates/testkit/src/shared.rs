use std::sync::LazyLock;

use throughline_servers::{Postgres, PostgresOptions, Redis, RedisOptions};
use tokio::sync::OnceCell;

use crate::Scratch;

/// One directory for the shared servers of this process.
static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

/// The Postgres that the tests of this process share, without fsync. Take a [`crate::Database`] on it.
pub async fn postgres() -> &'static Postgres {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    SERVER
        .get_or_init(async || {
            let options = PostgresOptions {
                durable: false,
                max_connections: 500,
                extra: vec![("shared_buffers".into(), "64MB".into()), ("max_wal_size".into(), "512MB".into())],
                ..PostgresOptions::new(SCRATCH.path().join("postgres"))
            };
            Postgres::start(&options).await.unwrap_or_else(|error| panic!("no Postgres for tests: {error}"))
        })
        .await
}

/// The Redis that the tests of this process share: its keys are seen by all of them, so a test that reads keys of
/// fixed names or flushes takes [`crate::OwnRedis`] instead.
pub async fn redis() -> &'static Redis {
    static SERVER: OnceCell<Redis> = OnceCell::const_new();
    SERVER
        .get_or_init(async || {
            let options = RedisOptions::new(SCRATCH.path().join("redis"));
            Redis::start(&options).await.unwrap_or_else(|error| panic!("no Redis for tests: {error}"))
        })
        .await
}
