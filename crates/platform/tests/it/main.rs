//! The platform against real servers.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test stands outside of what it tests")]

mod authentication;
mod calls;
mod database;
mod kit;
mod redis;
mod repeats;
mod shutdown;
mod traces;
mod wire;
