//! The life of a process: options, clock, telemetry, tenancy, server layers, tasks, shutdown, health.
//!
//! Services compose a [`Slice`] from a [`Context`]; [`server::serve`] runs the slices until shutdown.

pub mod auth;
pub mod clock;
pub mod db;
pub mod failure;
pub mod jiff_sqlx;
pub mod metrics;
pub mod name;
pub mod options;
pub mod pages;
pub mod peers;
pub mod personal;
pub mod persons;
pub mod principal;
pub mod redis_link;
pub mod repeat;
pub mod seal;
pub mod server;
pub mod signature;
pub mod tasks;
pub mod telemetry;
pub mod trace;

mod context;
mod deadline;
mod slice;

pub use context::Context;
pub use db::{MIGRATIONS, Migrations};
pub use failure::{Failure, Reason, Violation};
pub use options::Options;
pub use principal::Principal;
pub use slice::Slice;

/// Of every process that serves. Batches of entries and rows come and go on all threads, and the allocator of glibc spends almost
/// half of a busy process's time on them (docs/adr/0025).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Largest message that is received or sent, bytes. Give it to `max_encoding_message_size` of generated servers and to
/// both limits of generated clients; it is tonic's default for what a server receives.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
