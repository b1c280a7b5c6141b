//! The kit must hold what it promises, or tests built on it prove nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod databases;
mod own_servers;
mod waiting;
