//! The journal on real servers: what must hold whatever dies, lags or lies.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests are their own tasks, and most need no other clock")]

mod alarms;
mod append;
mod clock_steps;
mod complete;
mod follow;
mod follower;
mod lanes;
mod lease;
mod park;
mod replay;
mod subscribe;
mod timers;
mod wait;
mod wake;
mod world;
