//! How many events of a deal are kept: the first 2,001 in an order of their own, so that the fold sees that there were
//! more, and so that the same ones are kept in whatever order they arrive.
//!
//! Keeping the first k of a total order is independent of arrival: what is pushed out once would be pushed out of any
//! larger set too. The order reads nothing that a new definition could change.

use jiff::Timestamp;
use throughline_process::{Event, MAX_EVENTS};
use uuid::Uuid;

use super::id::DealId;

/// An event of a deal as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The key that it came under; together with `id` its place in the store.
    pub anchor: DealId,
    pub id: Uuid,
    pub event: Event,
}

impl Input {
    fn order(&self) -> (Timestamp, &str, u64, &str, Uuid) {
        let event = &self.event;
        (event.time.latest, &event.source, event.source_sequence.unwrap_or(0), &event.id, self.id)
    }
}

/// So many are kept of a deal: one more than are folded.
pub const KEPT: usize = MAX_EVENTS + 1;

/// Leaves the first [`KEPT`] of the inputs, each once, and returns the others.
pub fn trim(inputs: &mut Vec<Input>) -> Vec<Input> {
    inputs.sort_by(|a, b| a.order().cmp(&b.order()));
    inputs.dedup_by_key(|input| input.id);
    if inputs.len() > KEPT { inputs.split_off(KEPT) } else { Vec::new() }
}
