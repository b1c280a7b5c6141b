//! A deal as folded: its intervals side by side, who holds what, and what needs a person's judgment.
//!
//! Everything here holds instants only; calendars apply when durations are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    definition::Relates,
    event::Bound,
    interval::{EventRef, Interval, IntervalKind},
    key::Key,
};

/// How a deal stands as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DealState {
    /// Being worked on, not yet agreed.
    #[default]
    InProgress,
    Agreed,
    Delivered,
    Funded,
    Lost,
    Unwound,
}

impl DealState {
    /// The stable name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Agreed => "agreed",
            Self::Delivered => "delivered",
            Self::Funded => "funded",
            Self::Lost => "lost",
            Self::Unwound => "unwound",
        }
    }

    /// Lost or unwound: nobody works on it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Lost | Self::Unwound)
    }
}

/// One deal of one rooftop: a pure function of the set of its accepted events, the definition and what is observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Identifier of the definition that it was folded by, such as `retail-deal@1`.
    pub definition_version: String,
    pub state: DealState,
    /// When it was opened, else the time of its first event; none without events.
    pub opened_at: Option<Bound>,
    /// `new` or `used`, if known.
    pub kind: Option<String>,
    /// Every number by which it is known, sorted.
    pub keys: Vec<Key>,
    /// Stages, handoffs, and cycles, open and ended, by time of start, then kind, name, and ID.
    pub intervals: Vec<Interval>,
    pub holders: Holders,
    /// Role to staff id, as last assigned by `deal.assigned`.
    pub assigned: BTreeMap<String, String>,
    /// Known event types that occurred.
    pub milestones: BTreeMap<String, Occurrence>,
    /// Times that something had to be done again: returned contracts and recontracts.
    pub rework: u32,
    /// Rounds of the definition's negotiation (pencil rounds of a retail deal).
    pub rounds: u32,
    /// Reason code of a lost deal, if it is lost and one was given.
    pub lost_reason: Option<String>,
    /// Distinct accepted events, those replaced or withdrawn included; more than [`crate::MAX_EVENTS`] are not counted.
    pub event_count: u32,
    /// Events of types that the definition does not know: counted, never lost.
    pub unknown_types: BTreeMap<String, u32>,
    pub exceptions: Vec<Exception>,
    /// Other rooftops that it has to do with, by time.
    pub relations: Vec<Relation>,
    /// Latest time at which something of it happened.
    pub last_event_at: Option<Bound>,
}

/// When a type of event occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    pub first: Bound,
    pub last: Bound,
    pub count: u32,
    /// Who did it first, if known.
    pub actor: Option<String>,
}

/// Who holds the customer, the car and the paper; none means nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    pub customer: Option<Holder>,
    pub car: Option<Holder>,
    pub paper: Option<Holder>,
}

/// Who holds something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub department: String,
    pub role: Option<String>,
    /// Staff id, if known.
    pub actor: Option<String>,
    pub since: Bound,
    /// It was offered to this department, and no source of the rooftop reports the step that would accept it.
    pub presumed: bool,
}

/// How a deal has to do with another rooftop, as one of its events says: never a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    pub relates: Relates,
    /// The trade that it is about, if said.
    pub trade: Option<String>,
    /// The other rooftop, if said.
    pub rooftop: Option<String>,
    pub at: Bound,
}

impl Deal {
    /// The intervals of a kind and name, by time of start.
    pub fn intervals_of<'d>(&'d self, kind: IntervalKind, name: &'d str) -> impl Iterator<Item = &'d Interval> {
        self.intervals.iter().filter(move |interval| interval.is(kind, name))
    }
}

/// Something about a deal that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// `{kind}.` and 16 hexadecimal digits that follow from the founding events, unique within the deal. Only what the
    /// deal has once, such as `too_many_events`, is named by its kind alone.
    pub id: String,
    /// `contract_returned`, `rdr_rejected`, `unwind`, `backout`, `impossible_order`, `too_many_events`,
    /// `conflicting_event` and whatever else the definition names.
    pub kind: String,
    /// What exactly, without customer data.
    pub detail: String,
    pub at: Option<Bound>,
    /// Events that it rests on, with those that they replace, sorted; empty for what the deal has once.
    pub founded_by: Vec<EventRef>,
}
