//! What the process engine decides, seen from outside.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod alerts;
mod bounds;
mod calendars;
mod calendars_of_any_kind;
mod deals;
mod definitions;
mod evidence;
mod feeds;
mod flags;
mod floor;
mod handoffs;
mod identity;
mod keys;
mod made;
mod occurrences;
mod occurrences_of_any_history;
mod properties;
mod staff;
mod truth;
