//! Deal-state on a real Postgres, fed through a log of events that the test writes as ingestion would.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod capacity;
mod contests;
mod deciding;
mod durations;
mod faults;
mod folding;
mod history;
mod kit;
mod live;
mod merging;
mod order;
mod reading;
mod rebuilding;
mod relations;
mod sweeping;
mod tenants;
mod timers;
mod watching;
mod worklists;
