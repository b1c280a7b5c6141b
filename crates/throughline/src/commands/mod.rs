//! One file a command.
pub mod bench;
pub mod board;
pub mod database;
pub mod deals;
pub mod demo;
pub mod evaluate;
pub mod flags;
pub mod import;
pub mod profile;
pub mod report;
pub mod reviews;
pub mod rooftop;
pub mod simulate;
pub mod state_hash;
pub mod status;
pub mod up;
pub mod watch;
