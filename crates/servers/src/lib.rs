//! Finds, starts and stops private Postgres and Redis servers from the binaries that are installed.
//!
//! Nothing here touches a standard port or a server that somebody else runs: both listen on a Unix socket in a
//! folder of their own, and no TCP port is opened. They die with the process that started them; what a `kill -9`
//! of that process leaves behind is stopped by the next start in the same directory.
//!
//! * `find` — which binaries there are, and what to install when there are none
//! * `account` — the user that servers run as (Postgres refuses root)
//! * `folder` — the directory a server owns: modes, the lock, the sockets
//! * `child` — a process that dies with us
//! * `leftovers` — processes of an earlier life in the same directory
//! * [`Postgres`], [`Redis`] — the servers

mod account;
mod address;
mod child;
mod error;
mod find;
mod folder;
mod leftovers;
mod log;
mod postgres;
mod redis;

pub use error::Error;
pub use find::{Binaries, PostgresInstall, RedisInstall};
pub use folder::create_passable;
pub use postgres::{Postgres, PostgresOptions, SUPERUSER};
pub use redis::{Redis, RedisOptions};
