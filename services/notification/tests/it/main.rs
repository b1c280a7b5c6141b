//! The notification service on real servers, with a clock moved by hand and receivers that really listen.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod completeness;
mod crash;
mod deciding;
mod freshness;
mod kit;
mod receiver;
mod requests;
mod sending;
mod tenancy;
mod unreadable;
