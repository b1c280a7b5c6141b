//! The only place that names sqlx: what is read and written, each statement in a file of its own under `sql/`.

pub(crate) mod decisions;
pub(crate) mod dropped;
pub(crate) mod events;
pub(crate) mod feeds;
pub(crate) mod hooks;
pub(crate) mod imports;
pub(crate) mod keys;
pub(crate) mod polled;
pub(crate) mod quarantine;
pub(crate) mod rooftops;

use throughline_platform::jiff_sqlx;

/// An instant as Postgres takes it.
fn at(instant: jiff::Timestamp) -> jiff_sqlx::Timestamp {
    jiff_sqlx::Timestamp::from(instant)
}
