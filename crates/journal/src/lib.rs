//! The one arrow between services: a log that its owner keeps in Postgres and that others follow over gRPC with a cursor.
//!
//! An owner [`Log::register`]s its log and appends to it as the last statement of a transaction. A follower implements
//! [`Projection`] and runs a [`Follower`]: the cursor moves in the same transaction as the effects of what was read, and
//! the cursor row is the lease. Nothing is lost and nothing has its effects twice, whatever dies; entries are delivered
//! at least once, and the cursor drops what came twice.

mod claim;
mod consumer;
mod context;
mod cursors;
mod entry;
mod feed;
mod follower;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod haste;
mod heads;
pub mod host;
mod lanes;
pub mod live;
mod log;
mod metrics;
mod months;
mod projection;
mod rows;
mod serve;
mod sql;
mod step;
mod tail;
mod token;
mod wait;

pub use context::{Context, Logs};
pub use cursors::{Cursors, Held};
pub use entry::{Appended, EntityKey, Entry, NewEntry};
pub use follower::{Follower, FollowerSpec, Pace, Replay, Replayed};
pub use lanes::{Commit, LaneSpec, Lanes, lanes_for_processors};
pub use log::Log;
pub use projection::{ApplyError, Due, Projection, Timers};
pub use tail::Tail;
pub use token::Positions;
pub use wait::wait_for;

use throughline_platform::db::Migrations;

/// Parts of every log; a rooftop is assigned one when it is created and keeps it for ever.
pub const PARTS: u16 = 256;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `journal`: the functions with which services make their logs and cursors.
pub static MIGRATIONS: Migrations = Migrations { schema: "journal", migrator: &MIGRATOR };
