//! What holds of every simulated day.

#![allow(clippy::unwrap_used)]

mod course;
mod feeds;
mod people;
mod plans;
mod saturday;
mod sending;
mod streams;
