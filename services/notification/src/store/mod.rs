//! The only place that names sqlx. Each function is one statement; what is written with others stands in `worker` and
//! `grpc`, in one transaction each.

mod deliveries;
mod flags;
mod outbox;
mod readable;
mod routes;

pub use deliveries::{Decided, DeliveriesQuery, forget_deliveries, list_deliveries, save_decisions, withhold_of_route};
pub use flags::{
    Saved, Undecided, UndecidedFlag, forget_flags, list_undecided, retract_flags, save_flags, take_undecided,
    undecided_parts,
};
pub use outbox::{
    Claim, Claimed, Destination, Due, Ended, Unread, claim, end_delivery, end_unread, outbox, postpone_delivery,
    postpone_unread, put_right,
};
pub use routes::{
    add_route, add_secret, count_routes, delete_route, disable_route, find_secret, list_routes, load_routes, lock_route,
};

use throughline_platform::{Failure, db::Migrations};

use crate::domain::Severity;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Schema `notification`.
pub static MIGRATIONS: Migrations = Migrations { schema: "notification", migrator: &MIGRATOR };

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

fn read_part(part: i16) -> Result<u16, Error> {
    u16::try_from(part).map_err(|why| Error::Unreadable { what: "part", why: why.to_string() })
}

/// As on the wire.
fn stored_severity(severity: Severity) -> i16 {
    match severity {
        Severity::Yellow => 1,
        Severity::Red => 2,
    }
}

fn read_severity(severity: i16) -> Result<Severity, Error> {
    match severity {
        1 => Ok(Severity::Yellow),
        2 => Ok(Severity::Red),
        other => Err(Error::Unreadable { what: "severity", why: format!("{other} is none") }),
    }
}

fn stored_attempts(attempts: u32) -> i32 {
    // The budget of tries is ten.
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

fn read_attempts(attempts: i32) -> u32 {
    u32::try_from(attempts).unwrap_or_default()
}
