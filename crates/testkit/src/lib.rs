//! Private servers and databases for tests. Development only: it panics where a test should fail.
//!
//! Tests run under plain `cargo test`: one process a test binary, threads inside. The first test that asks starts
//! the binary's shared Postgres (0.4 s) or Redis; when the process ends, by whatever death, they and their directory
//! go too.
//!
//! ```no_run
//! # async fn example() {
//! let database = throughline_testkit::Database::create().await;
//! let pool = sqlx::PgPool::connect(database.url()).await.unwrap();
//! # }
//! ```
//!
//! A test that kills servers takes [`OwnServers`]; one that only needs its own Redis takes [`OwnRedis`].
#![allow(clippy::print_stdout, reason = "a test says what it skips")]

mod database;
mod eventually;
mod own;
mod samples;
mod scratch;
mod shared;

pub use database::{Database, connect};
pub use eventually::{Outcome, ends_within, eventually};
pub use own::{OwnRedis, OwnServers};
pub use samples::samples;
pub use scratch::Scratch;
pub use shared::{postgres, redis};
pub use throughline_servers::{Postgres, PostgresOptions, Redis, RedisOptions};

/// A loopback port that was free a moment ago. Prefer to bind port 0 where the code under test allows it.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("bind a loopback port");
    listener.local_addr().expect("a bound listener has an address").port()
}
