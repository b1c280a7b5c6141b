//! Ingestion on a real Postgres, over gRPC and HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canaries;
mod decisions;
mod directory;
mod events;
mod feeds;
mod folder;
mod hooks;
mod http;
mod imports;
mod keys;
mod kit;
mod quarantine;
mod samples;
mod stream;
