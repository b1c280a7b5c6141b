//! End to end, over the real processes: the binaries that a user starts, on private servers of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what failed by failing")]

mod alerts;
mod bad_input;
mod books;
mod calendars;
mod canaries;
mod crash;
mod demo;
mod documents;
mod episodes;
mod events;
mod fleet;
mod hooks;
mod layers;
mod limits;
mod listeners;
mod places;
mod plans;
mod poison;
mod profiles;
mod raw;
mod rebuild;
mod record;
mod replicas;
mod silence;
mod suite;
mod tenancy;
mod trace;
mod week;
