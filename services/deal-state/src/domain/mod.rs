//! What this service decides: sync, pure and total.

pub mod board;
pub mod capacity;
pub mod filter;
pub mod folding;
pub mod id;
pub mod mending;
pub mod partition;
pub mod revision;
pub mod sales;

#[cfg(test)]
mod permutations;
