//! What the process engine decides, seen from outside.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod alerts;
mod bounds;
mod calendars;
mod calendars_of_any_kind;
mod deals;
mod definitions;
mod feeds;
mod flags;
mod handoffs;
mod keys;
mod made;
mod properties;
mod truth;
