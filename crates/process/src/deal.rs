//! A deal as folded: its stages, handoffs and cycles side by side, who holds what, and what needs a person's judgement.
//!
//! Everything here holds instants only; calendars are applied when durations are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{definition::Relates, event::Bound, key::Key};

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
    /// Stages, open and closed, by time.
    pub stages: Vec<Span>,
    /// Handoffs by time of offer.
    pub handoffs: Vec<Handoff>,
    /// Stretches from one step to another, across departments, by time of start.
    pub cycles: Vec<Cycle>,
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

/// How the end of an interval is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "event_type")]
pub enum ClosedBy {
    /// An event of this type said so.
    Event(String),
    /// Nobody reported it; a later step of this type shows that it was over by then.
    Inferred(String),
    /// The deal ended by an event of this type while it stood.
    DealEnded(String),
}

impl ClosedBy {
    pub fn is_inferred(&self) -> bool {
        matches!(self, Self::Inferred(_))
    }
}

/// A stage of a track: the time from when a department had the deal until it let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Stable within the deal: stage, instance if any, round.
    pub id: String,
    pub stage: String,
    pub track: String,
    pub department: String,
    /// Which of several that stand side by side, such as a reconditioning step.
    pub instance: Option<String>,
    /// Who entered it, if known.
    pub actor: Option<String>,
    /// From 0: the k-th occurrence of this stage (and instance).
    pub round: u32,
    pub entered: Bound,
    pub left: Option<Bound>,
    pub closed_by: Option<ClosedBy>,
    /// When the deal ended while this stood (or its start, if it began after that): it may have gone on, but nobody
    /// waited for it any more.
    pub cut: Option<Bound>,
    /// False: no source of the rooftop has ever reported a step that leaves it, so that its age says nothing.
    pub leaving_observed: bool,
}

/// Where a handoff stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffState {
    /// Offered and not accepted: idle, nobody owns it.
    Pending,
    Accepted,
    /// No source of that rooftop has ever reported the accepting step: not idle, not observed.
    NotObserved,
    /// The deal ended before it was accepted.
    Void,
}

impl HandoffState {
    /// The stable name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::NotObserved => "not_observed",
            Self::Void => "void",
        }
    }
}

/// Offered by one department and accepted by another; the time between is idle, and nobody owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Stable within the deal: handoff, instance if any, round.
    pub id: String,
    /// Handoff of the definition, such as `fi`.
    pub handoff: String,
    /// Offering department.
    pub from: String,
    /// Accepting department.
    pub to: String,
    /// Which of several that stand side by side, such as a trade.
    pub instance: Option<String>,
    /// From 0: the k-th round.
    pub round: u32,
    pub offered: Bound,
    /// When it was accepted, voided or, where the accepting step is not observed, overtaken by a later step.
    pub ended: Option<Bound>,
    pub closed_by: Option<ClosedBy>,
    /// When the deal ended while this stood (or its start, if it began after that): it may have gone on, but nobody
    /// waited for it any more.
    pub cut: Option<Bound>,
    pub state: HandoffState,
}

impl Handoff {
    /// When it was accepted, if it was.
    pub fn accepted(&self) -> Option<&Bound> {
        self.ended.as_ref().filter(|_| self.state == HandoffState::Accepted)
    }

    /// Least and most time that it lay idle, if it was accepted.
    pub fn idle(&self) -> Option<(jiff::SignedDuration, jiff::SignedDuration)> {
        self.accepted().map(|accepted| self.offered.duration_until(accepted))
    }
}

/// A stretch from one step to another, whoever holds the deal in between, such as check-in to delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Stable within the deal: cycle, instance if any, round.
    pub id: String,
    /// Cycle of the definition, such as `delivered`.
    pub cycle: String,
    /// Department that the end waits for.
    pub department: String,
    pub instance: Option<String>,
    pub round: u32,
    pub started: Bound,
    pub ended: Option<Bound>,
    pub closed_by: Option<ClosedBy>,
    /// When the deal ended while this stood (or its start, if it began after that): it may have gone on, but nobody
    /// waited for it any more.
    pub cut: Option<Bound>,
    /// False: no source of the rooftop has ever reported a step that ends it.
    pub end_observed: bool,
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

/// Something about a deal that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Stable within the deal: kind and how many before it.
    pub id: String,
    /// `contract_returned`, `rdr_rejected`, `unwind`, `backout`, `impossible_order`, `too_many_events`,
    /// `conflicting_event` and whatever else the definition names.
    pub kind: String,
    /// What exactly, without customer data.
    pub detail: String,
    pub at: Option<Bound>,
}
