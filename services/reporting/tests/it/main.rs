//! Reporting against a real log, a real Postgres and over gRPC.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deals;
mod following;
mod kit;
mod open_hours;
mod refusals;
mod reports;
mod tenants;
mod waits;
mod zones;
