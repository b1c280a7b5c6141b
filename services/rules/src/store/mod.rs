//! The only place that names sqlx. Each function is one statement; what is written with others stands in `worker` and
//! `grpc`, in one transaction each.

mod alarms;
mod deals;
mod feeds;
mod flags;
mod floors;
mod reviews;
mod rooftops;
mod staff;
mod watch;

pub use alarms::{DueDeal, ROOFTOP, due_parts, list_due, load_due, put_right, restore_alarms};
pub use deals::{DealKey, KeptDeal, count_queues, forget_deals, load_deals, recall_deals, save_deals};
pub use feeds::{confirm_deals, load_feeds, save_feeds};
pub use flags::{FlagsQuery, get_flag, list_flags, load_flags, lock_flag, save_flags};
pub use floors::{FLOOR, load_floor_flags, save_floor};
pub use reviews::{ReviewsQuery, count_open_reviews, list_reviews, load_reviews, lock_review, save_reviews};
pub use rooftops::{StoredRooftop, load_rooftops, save_rooftop};
pub use staff::{FloorProgress, StoredFloor, floor_deals, floor_rooftops, get_floor, load_floors, save_floors};
pub use watch::{WatchQuery, watch_flags, watch_reviews, watch_rooftops};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_platform::{Failure, db::Migrations};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `rules`.
pub static MIGRATIONS: Migrations = Migrations { schema: "rules", migrator: &MIGRATOR };

/// What went wrong with the database, or with what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row that we wrote cannot be read back: our fault, never the caller's.
    #[error("a stored {what} cannot be read: {why}")]
    Unreadable { what: &'static str, why: String },
}

impl Error {
    fn unreadable(what: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |why| Self::Unreadable { what, why: why.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            unreadable => Self::internal(unreadable),
        }
    }
}

/// Postgres counts microseconds. Rounded up, so that an alarm never rings before what it rings for.
fn stored_up(at: Timestamp) -> throughline_platform::jiff_sqlx::Timestamp {
    let micros = TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Ceil);
    at.round(micros).unwrap_or(at).to_sqlx()
}

/// Revisions count up from 1 and never come near the limit.
fn stored_revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn stored_part(part: u16) -> i16 {
    // Parts are 0 to 255.
    i16::try_from(part).unwrap_or(i16::MAX)
}
