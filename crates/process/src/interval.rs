//! Intervals: what is timed. A stage, a handoff, and a cycle differ in who owns the time, not in how it runs.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    event::{Bound, Event},
    fold::Step,
};

/// An interval names at most this many founding events: the least by (source, event ID).
pub const MAX_FOUNDING_EVENTS: usize = 32;

/// Who owns the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalKind {
    /// A department has the deal, from when it took it until it let go.
    Stage,
    /// One department has offered the deal and another has not accepted it yet: idle, owned by no one. The accepting
    /// department counts as the owner, because the deal waits for it.
    Handoff,
    /// From one step to another, across departments. The owner is the department that the end waits for.
    Cycle,
}

impl IntervalKind {
    pub const ALL: [Self; 3] = [Self::Stage, Self::Handoff, Self::Cycle];

    /// The stable name, as in JSON and as measures begin.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Handoff => "handoff",
            Self::Cycle => "cycle",
        }
    }

    /// The kind of that stable name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The measure of an interval of this kind, such as `handoff.fi`.
    pub fn measure(self, name: &str) -> String {
        format!("{}.{name}", self.as_str())
    }

    /// The kind and name that a measure such as `handoff.fi` stands for.
    pub fn parse_measure(measure: &str) -> Option<(Self, &str)> {
        let (kind, name) = measure.split_once('.')?;
        Some((Self::parse(kind)?, name))
    }
}

/// Where an interval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalState {
    /// It has not ended.
    Open,
    /// It has ended, by a report or as a later step shows: it has a duration.
    Ended,
    /// No source of the rooftop reports a step that ends it: its age says nothing.
    NotObserved,
    /// The deal ended while it was open: it has no duration worth counting.
    Void,
}

impl IntervalState {
    pub const ALL: [Self; 4] = [Self::Open, Self::Ended, Self::NotObserved, Self::Void];

    /// The stable name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended => "ended",
            Self::NotObserved => "not_observed",
            Self::Void => "void",
        }
    }

    /// The state that follows from how an interval closed and from whether some source reports a step that ends it.
    ///
    /// A handoff that is not observed stays so when a later step shows that it is over: no one knows how long it was
    /// idle. A stage or a cycle has lasted all the same.
    pub(crate) fn of(kind: IntervalKind, closed_by: Option<&ClosedBy>, end_observed: bool) -> Self {
        match closed_by {
            Some(ClosedBy::Event(_)) => Self::Ended,
            _ if kind == IntervalKind::Handoff && !end_observed => Self::NotObserved,
            Some(ClosedBy::Inferred(_)) => Self::Ended,
            Some(ClosedBy::DealEnded(_)) => Self::Void,
            None if end_observed => Self::Open,
            None => Self::NotObserved,
        }
    }
}

/// How the end of an interval is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "event_type")]
pub enum ClosedBy {
    /// An event of this type reported it.
    Event(String),
    /// No source reported it; a later step of this type shows that it was over by then.
    Inferred(String),
    /// The deal ended by an event of this type while the interval was open.
    DealEnded(String),
}

impl ClosedBy {
    pub fn is_inferred(&self) -> bool {
        matches!(self, Self::Inferred(_))
    }
}

/// An event of a source, by what identifies it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventRef {
    pub source: String,
    pub id: String,
}

/// A timed interval of a deal, with an owner. Holds instants only; calendars apply when durations are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// `{kind}.{name}.` and 16 hexadecimal digits that follow from the founding events, unique within the deal. Neither
    /// other rounds nor the order of arrival change it; a founding event that sorts before the others does. To follow
    /// an interval through such a change, compare `founded_by`.
    pub id: String,
    pub kind: IntervalKind,
    /// Name within its kind, such as `fi`.
    pub name: String,
    /// Track of a stage.
    pub track: Option<String>,
    /// Department that has the deal, or that it waits for.
    pub owner_department: String,
    /// Department that offered a handoff.
    pub offered_by_department: Option<String>,
    /// Tells intervals apart that run side by side, such as two trades or reconditioning steps.
    pub instance: Option<String>,
    /// Counts from 0 the intervals of this kind, name, and instance in order of time. For display: another event may
    /// shift it.
    pub round: u32,
    /// Staff ID of who reported the start, if known.
    pub actor: Option<String>,
    pub start: Bound,
    pub end: Option<Bound>,
    pub state: IntervalState,
    pub closed_by: Option<ClosedBy>,
    /// When the deal ended while this was open, or its start if it began after that: the deal no longer waits for it.
    pub cut: Option<Bound>,
    /// False: no source of the rooftop reports a step that ends it, so its age says nothing.
    pub end_observed: bool,
    /// Events that report its start, with those that they replace: sorted, at least one, at most
    /// [`MAX_FOUNDING_EVENTS`].
    pub founded_by: Vec<EventRef>,
}

impl Interval {
    /// The measure that it counts towards, such as `handoff.fi`.
    pub fn measure(&self) -> String {
        self.kind.measure(&self.name)
    }

    /// Whether it is of this kind and name.
    pub fn is(&self, kind: IntervalKind, name: &str) -> bool {
        self.kind == kind && self.name == name
    }

    /// The shortest and longest time that it lasted, if it ended by a report or as a later step shows.
    pub fn lasted(&self) -> Option<(SignedDuration, SignedDuration)> {
        let end = self.end.as_ref().filter(|_| self.state == IntervalState::Ended)?;
        Some(self.start.duration_until(end))
    }
}

/// Whether two founding sets, each sorted, share an event: then both found the same episode, whatever its ID has become.
pub fn same_episode(a: &[EventRef], b: &[EventRef]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        match one.cmp(other) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => drop(a.next()),
            std::cmp::Ordering::Greater => drop(b.next()),
        }
    }
    false
}

/// The events that found an interval or an exception, as the fold collects them: (source, event ID) each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Founding<'a> {
    events: BTreeSet<(&'a str, &'a str)>,
    /// The least of those that report it. Those that they replace do not name it: two events may replace one.
    least: Option<(&'a str, &'a str)>,
}

impl<'a> Founding<'a> {
    pub(crate) fn of(step: &Step<'a>) -> Self {
        let mut founding = Self::default();
        founding.add(step);
        founding
    }

    pub(crate) fn of_event(event: &'a Event) -> Self {
        let mut founding = Self::default();
        founding.report((&event.source, &event.id));
        founding
    }

    /// Adds the events of a step; beyond the limit, the least stay.
    pub(crate) fn add(&mut self, step: &Step<'a>) {
        step.reports().for_each(|event| self.report(event));
        step.replaced().for_each(|event| self.keep(event));
    }

    fn report(&mut self, event: (&'a str, &'a str)) {
        self.least = Some(self.least.map_or(event, |least| least.min(event)));
        self.keep(event);
    }

    fn keep(&mut self, event: (&'a str, &'a str)) {
        self.events.insert(event);
        if self.events.len() > MAX_FOUNDING_EVENTS {
            self.events.pop_last();
        }
    }

    pub(crate) fn refs(&self) -> Vec<EventRef> {
        let owned = |(source, id): &(&str, &str)| EventRef { source: (*source).to_owned(), id: (*id).to_owned() };
        self.events.iter().map(owned).collect()
    }

    /// 16 hexadecimal digits that follow from the least reporting event and from what else tells apart what one event founds.
    pub(crate) fn digest(&self, apart: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new();
        let least = self.least.unwrap_or_default();
        for text in [least.0, least.1].iter().chain(apart) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(ids: &[&str]) -> Vec<EventRef> {
        ids.iter().map(|id| EventRef { source: "s".to_owned(), id: (*id).to_owned() }).collect()
    }

    #[test]
    fn sets_that_share_an_event_are_one_episode() {
        for (a, b, same) in [
            (vec!["a", "c"], vec!["b", "c"], true),
            (vec!["a"], vec!["b"], false),
            (vec![], vec!["b"], false),
            (vec!["c"], vec!["a", "b", "c", "d"], true),
        ] {
            assert_eq!(same_episode(&refs(&a), &refs(&b)), same, "{a:?} {b:?}");
            assert_eq!(same_episode(&refs(&b), &refs(&a)), same, "{b:?} {a:?}");
        }
    }

    #[test]
    fn founding_set_keeps_its_least_events() {
        let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
        let mut founding = Founding::default();
        ids.iter().rev().for_each(|id| founding.report(("s", id)));
        assert_eq!(founding.refs().len(), MAX_FOUNDING_EVENTS);
        let digest = founding.digest(&[]);
        founding.report(("s", "99"));
        assert_eq!((founding.refs()[0].id.as_str(), founding.digest(&[])), ("00", digest));
    }
}
