//! How many events of a deal are kept: of each core the first 2,001 in an order of their own, so that the fold sees that
//! there were more, and so that the same ones are kept in whatever order they arrive.
//!
//! Keeping the first k of a total order is independent of arrival: what is pushed out once would be pushed out of any
//! larger set too. Cores only grow; what sales join may come apart again, and nothing of either may be missing then. The
//! order reads nothing that a new definition could change.

use std::collections::BTreeMap;

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

/// So many are kept of a core, and given to the fold of a deal: one more than are folded.
pub const KEPT: usize = MAX_EVENTS + 1;

/// Leaves the first `most` inputs of each core, each once and in order, and returns the others.
pub fn trim(inputs: &mut Vec<Input>, most: usize, core_of: impl Fn(&Input) -> DealId) -> Vec<Input> {
    inputs.sort_by(|a, b| a.order().cmp(&b.order()));
    inputs.dedup_by_key(|input| input.id);
    let mut counts: BTreeMap<DealId, usize> = BTreeMap::new();
    let (kept, surplus) = std::mem::take(inputs).into_iter().partition(|input| {
        let count = counts.entry(core_of(input)).or_default();
        *count += 1;
        *count <= most
    });
    *inputs = kept;
    surplus
}
