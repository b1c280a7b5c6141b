//! Decides what deserves attention: sync, pure and total. Deals, rule books and instants in; changes of flags and
//! reviews out.

mod explain;
mod flag;
mod identity;
mod review;
mod rulebook;

#[cfg(test)]
mod days;
#[cfg(test)]
mod tests;

pub use explain::{Cause, queue_cause};
pub use flag::{Acknowledgement, Change, Content, Flag, Judged, Root, Step, acknowledge, judge, judge_floor};
pub use identity::{flag_id, review_id};
pub use review::{Candidate, Exception, Resolution, Review, ReviewChange, resolve, review};
pub use rulebook::Rulebook;

use jiff::Timestamp;
use throughline_process::{Interval, IntervalKind, IntervalState};

/// A number by which people find a deal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// `dms_deal`, `visit`, `subject`, `application`, `stock`, `vin`.
    pub kind: String,
    pub value: String,
}

impl Number {
    /// `kind:value`, as flags carry it.
    pub fn label(&self) -> String {
        format!("{}:{}", self.kind, self.value)
    }
}

/// A deal, or a floor, as far as judging it goes.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `groups/{group}/rooftops/{rooftop}/deals/{deal}`, or `groups/{group}/rooftops/{rooftop}/floor`.
    pub name: String,
    /// Every number by which a deal is known.
    pub numbers: Vec<Number>,
    /// What flags rest on.
    pub intervals: Vec<Interval>,
    /// What a person must look at.
    pub exceptions: Vec<Exception>,
    /// When the last of its events that came in as history was recorded.
    pub history_recorded_at: Option<Timestamp>,
}

impl Subject {
    /// The floor of a rooftop: its flags rest on the rooftop's sources, not on intervals of its own.
    pub fn floor(group: &str, rooftop: &str) -> Self {
        Self {
            name: format!("groups/{group}/rooftops/{rooftop}/floor"),
            numbers: Vec::new(),
            intervals: Vec::new(),
            exceptions: Vec::new(),
            history_recorded_at: None,
        }
    }

    /// `kind:value` of every number, sorted, each once.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.numbers.iter().map(Number::label).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What people call the deal: the best number it has, else its id.
    pub fn called(&self) -> &str {
        const BEST_FIRST: [&str; 6] = ["dms_deal", "visit", "subject", "application", "stock", "vin"];
        let of_kind = |kind: &&str| self.numbers.iter().filter(|number| number.kind == **kind).min();
        match BEST_FIRST.iter().find_map(of_kind) {
            Some(number) => &number.value,
            None => self.name.rsplit('/').next().unwrap_or(&self.name),
        }
    }

    /// Departments that were offered something and have not accepted it, sorted, each once.
    pub fn waits_for(&self) -> Vec<String> {
        let pending =
            |interval: &&Interval| interval.kind == IntervalKind::Handoff && interval.state == IntervalState::Open;
        let mut departments: Vec<String> =
            self.intervals.iter().filter(pending).map(|handoff| handoff.owner_department.clone()).collect();
        departments.sort_unstable();
        departments.dedup();
        departments
    }
}
