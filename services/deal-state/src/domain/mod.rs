//! What this service decides: sync, pure and total.

pub mod board;
pub mod capacity;
pub mod contests;
pub mod cores;
pub mod decisions;
pub mod filter;
pub mod folding;
pub mod id;
pub mod known;
pub mod links;
pub mod mending;
pub mod mention;
pub mod partition;
pub mod relations;
pub mod revision;
pub mod sales;
pub mod worklists;

#[cfg(test)]
mod permutations;
