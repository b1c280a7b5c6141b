//! The only place that names sqlx.

mod deals;
mod open_hours;
mod reports;
mod rooftops;
mod waits;

pub use deals::{load_deals, remove_intervals, save_deals, save_intervals};
pub use open_hours::time_open_hours;
pub use reports::{Counts, Measure, count_deals, measure};
pub use rooftops::save_rooftops;
pub use waits::{After, DealWaits, list_waits};

use throughline_platform::{Failure, db::Migrations};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `reporting`.
pub static MIGRATIONS: Migrations = Migrations { schema: "reporting", migrator: &MIGRATOR };

/// What went wrong with the database, or with what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row that we wrote cannot be read back: our fault, never the caller's.
    #[error("a stored {what} cannot be read: {why}")]
    Unreadable { what: &'static str, why: String },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            unreadable => Self::internal(unreadable),
        }
    }
}

fn stored_part(part: u16) -> i16 {
    // Parts are 0 to 255.
    i16::try_from(part).unwrap_or(i16::MAX)
}

fn stored_number(number: u32) -> i32 {
    // Rounds and rework count up from 0 and never come near the limit.
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Counts of rows are never negative.
fn counted(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
