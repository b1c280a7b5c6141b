//! What the process engine decides, seen from outside.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bounds;
mod calendars;
mod calendars_of_any_kind;
mod deals;
mod definitions;
mod feeds;
mod flags;
mod floor;
mod handoffs;
mod identity;
mod keys;
mod made;
mod properties;
mod staff;
mod truth;
