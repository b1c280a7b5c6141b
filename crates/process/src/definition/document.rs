//! A process definition as people write it: JSON, versioned, complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{flag::FlagKind, interval::IntervalKind};

/// The whole of a process definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub id: String,
    /// From 1; counts up with each change.
    pub version: u32,
    pub title: String,
    pub departments: Vec<Named>,
    pub tracks: Vec<Named>,
    /// To which department the people of a role belong. A role that is not listed belongs to the department of the first
    /// stage in which it works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleDef>,
    /// How far clocks of different systems may disagree. Reports of a step by different sources that are no further
    /// apart can be of one occurrence, and no order of steps within it is called impossible.
    #[serde(default)]
    pub clock_skew_seconds: u32,
    /// A step that no source has reported for so many days on which the rooftop was open is no longer observed.
    #[serde(default = "observed_for_open_days")]
    pub observed_for_open_days: u32,
    pub events: Vec<EventDef>,
    /// Which step can't come before which: tightens bounds, shows that unreported steps are over.
    #[serde(default)]
    pub order: Vec<Order>,
    /// What is timed: stages, handoffs, and cycles.
    pub intervals: Vec<IntervalDef>,
    /// Type whose first occurrence opens a deal.
    pub opened_by: String,
    /// Type whose occurrences count as rounds of negotiation.
    #[serde(default)]
    pub rounds: Option<String>,
    #[serde(default)]
    pub rework: Rework,
    pub targets: Targets,
    #[serde(default)]
    pub rates: Vec<RateTarget>,
    /// What stays with people; nothing here is ever decided by the software.
    #[serde(default)]
    pub judgements: Vec<Named>,
}

/// Something with an id and a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub id: String,
    pub title: String,
}

/// A role and the department that its people belong to, wherever else they work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDef {
    pub id: String,
    pub title: String,
    pub department: String,
}

/// A type of event and what it does beyond starting and ending intervals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventDef {
    #[serde(rename = "type")]
    pub event_type: String,
    /// Among events of one instant, lower ones come first: a cause before its effect.
    pub rank: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Says who works the deal in a role from now on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub assigns: bool,
    /// Says how the trade that it names has to do with the rooftop that its fact `to_rooftop` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relates: Option<Relates>,
}

/// How a deal has to do with another rooftop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relates {
    /// The trade went there.
    TransferredTo,
}

impl Relates {
    /// The stable name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransferredTo => "transferred_to",
        }
    }
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    Customer,
    Car,
    Paper,
}

/// From now on another department holds it, or nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    pub what: Held,
    /// None: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Only offered: nobody holds it until this type occurs. Where no source reports that type, the department is
    /// presumed to hold it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<String>,
}

/// What an event says of the deal as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Agreed,
    Delivered,
    Funded,
    Lost,
    Unwound,
    Reopened,
}

/// Each occurrence is something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    pub kind: String,
    /// Only if this type has occurred before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// `before` comes no later than `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub before: String,
    pub after: String,
    /// True: the k-th with the k-th. False: the first with the first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub each: bool,
}

/// What a second opening means while, or after, the first stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// A new round; an open one is over by then, though nobody reported it.
    #[default]
    Next,
    /// A new round beside the open ones; closings take the oldest.
    Each,
    /// While it is open, nothing; afterwards a new round.
    Stay,
    /// Nothing, until the deal is reopened.
    Once,
}

/// An interval that a deal's events start and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalDef {
    pub kind: IntervalKind,
    /// Unique within its kind.
    pub name: String,
    /// What people call it; empty: its name says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Track that it lies on: every stage has one, other kinds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Department that has the deal meanwhile, that must accept a handoff, or that the end of a cycle waits for.
    pub owner_department: String,
    /// Department that offers: every handoff has one, other kinds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_by_department: Option<String>,
    /// Role of the person who works in a stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Event types that start it.
    pub start: Vec<String>,
    /// Event types that end it.
    pub end: Vec<String>,
    /// Event types that show that it is over, besides those that come after its ending types in `order`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken_by: Vec<String>,
    #[serde(default)]
    pub repeat: Repeat,
    /// `trade`, or the name of a fact in `data`: intervals with different values run side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed_by: Option<String>,
    /// Only in deals in which each of these types occurs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Goes on when the deal is lost or unwound.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outlives_deal: bool,
}

/// What counts as doing something again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rework {
    /// Each occurrence counts.
    #[serde(default)]
    pub counted: Vec<String>,
    /// Each occurrence after the first counts, unless a counted one explains it.
    #[serde(default)]
    pub repeated: Vec<String>,
}

/// In which time a target runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Every second counts.
    #[default]
    Wall,
    /// Only while the rooftop is open, by its calendar.
    Open,
}

/// How long something may take before it deserves attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `stage.ID`, `handoff.ID` or `cycle.ID`.
    pub measure: String,
    /// Only this instance, such as the reconditioning step `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    pub flag: FlagKind,
    pub yellow_seconds: u64,
    /// Not below yellow; none: it never turns red.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_seconds: Option<u64>,
    #[serde(default)]
    pub clock: Clock,
}

impl Target {
    /// Whether this is meant for just that instance, and the other for any.
    pub(crate) fn is_closer_than(&self, other: &Self, instance: Option<&str>) -> bool {
        let closer = self.instance.is_some() && self.instance.as_deref() == instance && other.instance.is_none();
        closer && (&self.measure, self.flag) == (&other.measure, other.flag)
    }
}

/// A set of targets, versioned by itself because a rooftop may override it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    pub version: String,
    pub targets: Vec<Target>,
}

impl Targets {
    /// The same targets with other seconds (yellow, red) for some measures. Measures that have no target stay without
    /// one; a red below its yellow is raised to it.
    pub fn overridden(&self, version: &str, overrides: &BTreeMap<String, (u64, u64)>) -> Self {
        let targets = self.targets.iter().map(|target| match overrides.get(&target.measure) {
            Some(&(yellow, red)) => {
                Target { yellow_seconds: yellow, red_seconds: Some(red.max(yellow)), ..target.clone() }
            }
            None => target.clone(),
        });
        Self { version: version.to_owned(), targets: targets.collect() }
    }
}

/// How often something may happen over many deals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateTarget {
    pub id: String,
    pub title: String,
    /// Type that is counted.
    pub of: String,
    /// Type that it is measured against.
    pub over: String,
    pub yellow_percent: u32,
    pub red_percent: u32,
}

/// Our estimate: longer than any step of a retail deal is rare in a store that does it at all.
fn observed_for_open_days() -> u32 {
    30
}

fn is_false(value: &bool) -> bool {
    !value
}
