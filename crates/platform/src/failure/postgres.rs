//! What a database error means to the caller.
use super::Failure;

const DATABASE: &str = "the database";

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match &error {
            // PoolTimedOut: away or full, which the pool does not tell apart; either way the same call may succeed in a second.
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::WorkerCrashed
            | Error::PoolClosed
            | Error::PoolTimedOut => Failure::unavailable(DATABASE, error),
            Error::Database(database) => match database.code().as_deref() {
                // query_canceled: our statement_timeout is the caller's deadline
                Some("57014") => Failure::deadline().because(error),
                Some(code) if means_away(code) => Failure::unavailable(DATABASE, error),
                _ => Failure::internal(error),
            },
            _ => Failure::internal(error),
        }
    }
}

/// SQLSTATEs after which the same statement may succeed: connection lost, out of resources, being shut down or started,
/// lost against a concurrent transaction, idle for too long.
fn means_away(code: &str) -> bool {
    matches!(&code[..code.len().min(2)], "08" | "53")
        || matches!(code, "57P01" | "57P02" | "57P03" | "40001" | "40P01" | "55P03" | "25P03")
}
