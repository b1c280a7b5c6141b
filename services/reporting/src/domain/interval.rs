//! Intervals of a deal: what is timed.

use throughline_process::Bound;

/// What kind of interval; numbered as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From one step to another, whoever holds the deal in between.
    Cycle = 1,
    /// In the hands of a department.
    Stage = 2,
    /// Offered by one department to another: in nobody's hands.
    Handoff = 3,
}

impl Kind {
    /// What measures of this kind begin with, as in `handoff.fi`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::Stage => "stage",
            Self::Handoff => "handoff",
        }
    }

    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Cycle, Self::Stage, Self::Handoff].into_iter().find(|kind| *kind as i16 == number)
    }
}

/// Whether an interval's duration counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It still stands.
    Open = 1,
    /// It has ended, by a report or by what a later step shows: it has a duration.
    Ended = 2,
    /// No source reports the step that would end it: its age says nothing.
    NotObserved = 3,
    /// It was cut short because the deal ended or went on without it: it has no duration worth counting.
    Void = 4,
}

/// How an interval ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Standing,
    /// By a step that an event reports, or that a later one implies.
    Reached,
    /// Because the deal ended.
    CutShort,
}

impl Standing {
    /// Of a stage or a cycle. `observed`: some source of the rooftop reports steps that end it.
    pub fn of(end: End, observed: bool) -> Self {
        match (end, observed) {
            (End::Reached, _) => Self::Ended,
            (End::CutShort, _) => Self::Void,
            (End::Standing, true) => Self::Open,
            (End::Standing, false) => Self::NotObserved,
        }
    }
}

/// Names an interval within its deal; the kinds do not share their ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalKey {
    pub kind: Kind,
    pub id: String,
}

/// One interval of a deal, as instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    pub key: IntervalKey,
    /// Such as `stage.fi`.
    pub measure: String,
    /// Who holds the stage, or whom a handoff or the end of a cycle waits for.
    pub department: String,
    /// From 0: the k-th of its measure.
    pub round: u32,
    pub started: Bound,
    /// Set if it has ended.
    pub ended: Option<Bound>,
    pub standing: Standing,
    /// Revision of the deal at which it last changed.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_end_of_the_deal_cut_short_has_no_duration() {
        assert_eq!(Standing::of(End::CutShort, true), Standing::Void);
        assert_eq!(Standing::of(End::CutShort, false), Standing::Void);
    }

    #[test]
    fn what_nobody_reports_is_neither_open_nor_ended_until_a_later_step_shows_its_end() {
        assert_eq!(Standing::of(End::Standing, false), Standing::NotObserved);
        assert_eq!(Standing::of(End::Reached, false), Standing::Ended);
        assert_eq!(Standing::of(End::Standing, true), Standing::Open);
    }
}
