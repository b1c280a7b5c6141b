//! What is kept of staff and store events: a pure function of the set of events, whatever their order and repetition, in
//! bounded space.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::{
    event::{Bound, Event},
    undo,
};

/// People kept of a rooftop: those reported last.
pub const MAX_STAFF: usize = 500;
/// Reports kept of each person and of the store: the last ones, so that the last but a few may be withdrawn.
pub const MAX_MARKS: usize = 6;
/// Replacements and withdrawals kept of a rooftop: the last ones.
pub const MAX_UNDOINGS: usize = 256;

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    OnShift,
    Opened,
    Closed,
    OffShift,
}

impl MarkKind {
    /// Of what happens in one instant, the beginning comes first.
    pub const ALL: [Self; 4] = [Self::OnShift, Self::Opened, Self::Closed, Self::OffShift];

    /// The event type that reports it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::OnShift => "staff.on_shift",
            Self::Opened => "store.opened",
            Self::Closed => "store.closed",
            Self::OffShift => "staff.off_shift",
        }
    }

    /// What an event of this type reports; none for all others.
    pub fn of(event_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.event_type() == event_type)
    }

    fn is_of_staff(self) -> bool {
        matches!(self, Self::OnShift | Self::OffShift)
    }
}

/// A report about a person or the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    pub time: Bound,
    pub source: String,
    /// ID of the event, unique within its source.
    pub id: String,
    pub source_sequence: Option<u64>,
    /// Staff ID; none for the store.
    pub staff: Option<String>,
    pub role: Option<String>,
}

/// The total order of reports, which is that of a deal's events.
type Place<'a> = (Timestamp, MarkKind, &'a str, Option<u64>, &'a str, Timestamp, Option<&'a str>, Option<&'a str>);

impl Mark {
    fn place(&self) -> Place<'_> {
        let who = (self.staff.as_deref(), self.role.as_deref());
        let event = (self.source.as_str(), self.source_sequence, self.id.as_str());
        (self.time.latest, self.kind, event.0, event.1, event.2, self.time.earliest, who.0, who.1)
    }
}

impl Ord for Mark {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Mark {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// An event that replaces or withdraws another of its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undoing {
    /// Latest possible instant of the event that undoes.
    pub at: Timestamp,
    pub source: String,
    /// ID of the event that undoes.
    pub id: String,
    /// ID of the event that it undoes.
    pub undone: String,
    pub by: UndoneBy,
}

/// How an event undoes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UndoneBy {
    /// It stands in for it.
    Replacement,
    Withdrawal,
}

/// What is kept of the staff and store events of a rooftop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaffState {
    people: BTreeMap<String, BTreeSet<Mark>>,
    store: BTreeSet<Mark>,
    undoings: BTreeSet<Undoing>,
}

impl StaffState {
    /// What was kept before, as [`Self::marks`] and [`Self::undoings`] returned it.
    pub fn new(marks: impl IntoIterator<Item = Mark>, undoings: impl IntoIterator<Item = Undoing>) -> Self {
        let mut state = Self::default();
        marks.into_iter().for_each(|mark| state.keep(mark));
        undoings.into_iter().for_each(|undoing| state.keep_undoing(undoing));
        state
    }

    /// Takes in an event of the rooftop. Ignores events of other types and shifts that name no person.
    pub fn add(&mut self, event: &Event) {
        let replaced = event.replaces.iter().map(|undone| (undone, UndoneBy::Replacement));
        let withdrawn = event.withdraws.iter().map(|undone| (undone, UndoneBy::Withdrawal));
        for (undone, by) in replaced.chain(withdrawn) {
            self.keep_undoing(Undoing {
                at: event.time.ordered().latest,
                source: event.source.clone(),
                id: event.id.clone(),
                undone: undone.clone(),
                by,
            });
        }
        let Some(kind) = MarkKind::of(&event.event_type).filter(|_| event.withdraws.is_none()) else { return };
        self.keep(Mark {
            kind,
            time: event.time.ordered(),
            source: event.source.clone(),
            id: event.id.clone(),
            source_sequence: event.source_sequence,
            staff: event.actor.clone().filter(|_| kind.is_of_staff()),
            role: event.role.clone().filter(|_| kind.is_of_staff()),
        });
    }

    /// Every report that is kept, those that were replaced or withdrawn included.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.people.values().chain([&self.store]).flatten()
    }

    /// Every replacement and withdrawal that is kept.
    pub fn undoings(&self) -> impl Iterator<Item = &Undoing> {
        self.undoings.iter()
    }

    /// The reports that count of each person, in order.
    pub(super) fn people(&self) -> impl Iterator<Item = (&str, Vec<&Mark>)> {
        let undone = self.undone();
        self.people.iter().map(move |(staff, marks)| (staff.as_str(), counting(marks, &undone)))
    }

    /// The reports that count of the store, in order.
    pub(super) fn store_reports(&self) -> impl Iterator<Item = &Mark> {
        counting(&self.store, &self.undone()).into_iter()
    }

    fn keep(&mut self, mark: Mark) {
        let marks = match (mark.kind.is_of_staff(), &mark.staff) {
            (true, Some(staff)) => self.people.entry(staff.clone()).or_default(),
            (true, None) => return,
            (false, _) => &mut self.store,
        };
        marks.insert(mark);
        while marks.len() > MAX_MARKS {
            marks.pop_first();
        }
        self.forget_staff();
    }

    /// Forgets what was reported before the last report of the last person kept. By report and not by person, so that
    /// what stays does not depend on the order in which reports arrived.
    fn forget_staff(&mut self) {
        while self.people.len() >= MAX_STAFF {
            let last = self.people.iter().filter_map(|(staff, marks)| Some((marks.last()?, staff)));
            let Some((mark, staff)) = last.min().map(|(mark, staff)| (mark.clone(), staff.clone())) else { return };
            if self.people.len() > MAX_STAFF {
                self.people.remove(&staff);
                continue;
            }
            for marks in self.people.values_mut() {
                while marks.first().is_some_and(|first| *first < mark) {
                    marks.pop_first();
                }
            }
            return;
        }
    }

    fn keep_undoing(&mut self, undoing: Undoing) {
        self.undoings.insert(undoing);
        while self.undoings.len() > MAX_UNDOINGS {
            self.undoings.pop_first();
        }
    }

    /// Identities of events that do not count, as in the fold.
    fn undone(&self) -> BTreeSet<(&str, &str)> {
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        let mut identities = Vec::new();
        let (mut replaces, mut withdraws) = (Vec::new(), Vec::new());
        for Undoing { source, id, undone, by, .. } in &self.undoings {
            let mut place = |id| {
                *places.entry((source.as_str(), id)).or_insert_with(|| {
                    identities.push((source.as_str(), id));
                    identities.len() - 1
                })
            };
            let edge = (place(id.as_str()), place(undone.as_str()));
            match by {
                UndoneBy::Replacement => replaces.push(edge),
                UndoneBy::Withdrawal => withdraws.push(edge),
            }
        }
        let counts = undo::counts(identities.len(), replaces, withdraws);
        identities.into_iter().zip(counts).filter(|(_, counts)| *counts == Some(false)).map(|(id, _)| id).collect()
    }
}

/// Those that count of some reports, each event once.
fn counting<'m>(marks: &'m BTreeSet<Mark>, undone: &BTreeSet<(&str, &str)>) -> Vec<&'m Mark> {
    let mut seen = BTreeSet::new();
    let identity = |mark: &&'m Mark| (mark.source.as_str(), mark.id.as_str());
    marks.iter().filter(|mark| !undone.contains(&identity(mark)) && seen.insert(identity(mark))).collect()
}
