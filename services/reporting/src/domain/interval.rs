//! Intervals as reports keep them.

use throughline_process::Interval;

/// An interval of a deal as of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    pub interval: Interval,
    /// Revision of the deal at which it last changed.
    pub revision: u64,
}
