//! What a report is asked for.

use jiff::Timestamp;

/// Most rows that a report may have, of measures and of counts each.
pub const MOST_ROWS: usize = 10_000;

/// How rows are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub rooftop: bool,
    pub department: bool,
    /// By local day of the start.
    pub day: bool,
    /// By local hour of the start.
    pub hour: bool,
}

/// Which intervals, cut how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// `None` means all of the group.
    pub rooftops: Option<Vec<String>>,
    pub cut: Cut,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub until: Option<Timestamp>,
    /// `None` means all.
    pub measures: Option<Vec<String>>,
}
