//! The rules service on real servers, with a clock moved by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod calendars;
mod clock_steps;
mod floor;
mod in_flight;
mod kit;
mod people;
mod reviews;
mod standing;
mod tenancy;
mod timers;
mod watching;
