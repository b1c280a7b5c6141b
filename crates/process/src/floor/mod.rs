//! The floor: the live state of one rooftop. Who waits for which department, who is served, who is on shift, who is about
//! to arrive, and how healthy the feeds are.
//!
//! [`floor`] is a pure function of the definition, the rooftop's hours, what is kept of staff and store events
//! ([`StaffState`]), the deals that are on the floor, the feeds, and an instant.

mod roles;
mod shifts;
mod staff;
mod store;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    calendar::Schedule,
    definition::Definition,
    event::Bound,
    evidence::{Absence, Evidence, Heard},
    interval::{Interval, IntervalKind, IntervalState},
};
pub use roles::SharedRole;
pub use shifts::{OnShift, UntilBy};
pub use staff::{MAX_MARKS, MAX_STAFF, MAX_UNDOINGS, Mark, MarkKind, StaffState, Undoing, UndoneBy};
pub use store::{Store, StoreState};
use upstream::Upstream;

/// A deal leaves the floor this long after its last event.
pub const QUIET: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A list of the floor names at most this many items; its total counts all of them.
pub const MAX_LISTED: usize = 500;

/// The live state of one rooftop at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    pub as_of: Timestamp,
    pub store: Store,
    /// In the order of the definition.
    pub departments: Vec<DepartmentFloor>,
    /// People on shift whose role belongs to no department of the definition.
    pub unplaced: Listed<OnShift>,
    /// By source.
    pub feeds: Vec<FeedHealth>,
    /// The next instant after `as_of` at which this answer changes though no event arrives.
    pub next_change: Option<Timestamp>,
}

/// What happens in one department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepartmentFloor {
    /// ID in the definition.
    pub department: String,
    /// Deals that were offered to it and that it has not accepted.
    pub waiting: Listed<Waiting>,
    /// Stages that it works on.
    pub serving: Listed<Serving>,
    /// False: no source reported a shift of one of its roles within [`QUIET`], so an empty `on_shift` says nothing.
    pub staff_known: bool,
    pub on_shift: Listed<OnShift>,
    /// Roles that work in its stages and belong to another department, such as the salesperson who delivers.
    pub shared_roles: Vec<SharedRole>,
    /// Deals that other departments are about to send and that have not been here yet.
    pub arriving: Listed<Arriving>,
}

/// A list of at most [`MAX_LISTED`] items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// By time, then ID: the first ones of all.
    pub items: Vec<T>,
    /// How many there are.
    pub total: usize,
    /// How many of them count as such now: those that certainly wait or are served, those that arrive next; else all.
    pub matching: usize,
}

/// What is known of whether an interval still lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lasts.
    Open,
    /// No source reports the step that ends it: its age says nothing.
    NotObserved,
    /// It lasted then; since then every source that reports the step that ends it is silent.
    UnknownSince(Timestamp),
}

/// A deal that waits for a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub deal: String,
    /// The best number that people know the deal by.
    pub number: String,
    /// ID of the handoff within the deal.
    pub interval: String,
    /// Such as `handoff.fi`.
    pub measure: String,
    pub since: Bound,
    pub standing: Standing,
}

/// A stage that a department works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    pub deal: String,
    /// The best number that people know the deal by.
    pub number: String,
    /// ID of the stage within the deal.
    pub interval: String,
    /// Such as `stage.fi`.
    pub measure: String,
    /// Such as `customer`.
    pub track: Option<String>,
    /// Staff ID of who reported the start, if known and not last reported on shift in another role: the
    /// salesperson who delivers a car starts the office's work and does not do it.
    pub actor: Option<String>,
    pub since: Bound,
    pub standing: Standing,
}

/// A deal that another department is about to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arriving {
    pub deal: String,
    /// The best number that people know the deal by.
    pub number: String,
    /// What it will start here, such as `handoff.fi`.
    pub towards: String,
    /// Department that has it now, or that it waits for now.
    pub department: String,
    /// Where it is now, such as `stage.presenting`.
    pub measure: String,
    pub since: Bound,
    /// How many intervals lie before it, the present one included: 1 means it comes next.
    pub steps: u32,
}

/// How a source of the rooftop is, and what its silence hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedHealth {
    /// CloudEvents source.
    pub source: String,
    pub last_arrival: Option<Timestamp>,
    /// Since when it is silent for too long; none unless it is.
    pub stale_since: Option<Timestamp>,
    /// How often to expect something, in open time; none if unknown.
    pub expected_interval: Option<SignedDuration>,
    /// Event types that no other live source reports, while it is silent; sorted.
    pub hides: Vec<String>,
}

/// A deal as far as the floor goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloorDeal {
    pub id: String,
    /// The best number that people know it by.
    pub number: String,
    /// Lost or unwound.
    pub over: bool,
    pub last_event_at: Option<Timestamp>,
    pub intervals: Vec<Interval>,
    /// Event types that occurred.
    pub happened: BTreeSet<String>,
}

/// What a floor follows from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub definition: &'a Definition,
    pub schedule: &'a Schedule,
    /// Where the rooftop is: days end at midnight there.
    pub zone: &'a TimeZone,
    pub staff: &'a StaffState,
    pub deals: &'a [FloorDeal],
    /// The sources of the rooftop.
    pub evidence: &'a Evidence,
}

/// When a deal leaves the floor unless something happens: [`QUIET`] after its last event. None: it is not on the floor,
/// because it is over, nothing happened, or no department has it or is offered it.
pub fn leaves_at(over: bool, last_event_at: Option<Timestamp>, intervals: &[Interval]) -> Option<Timestamp> {
    let quiet_at = last_event_at?.checked_add(QUIET).unwrap_or(Timestamp::MAX);
    (!over && intervals.iter().any(is_standing)).then_some(quiet_at)
}

/// A stage or handoff that has neither ended nor was cut by the end of its deal.
fn is_standing(interval: &Interval) -> bool {
    matches!(interval.kind, IntervalKind::Stage | IntervalKind::Handoff)
        && interval.end.is_none()
        && interval.cut.is_none()
}

/// The floor at an instant.
pub fn floor(inputs: &Inputs<'_>, now: Timestamp) -> Floor {
    let Inputs { definition, schedule, zone, staff, deals, evidence } = *inputs;
    let mut next_change = Next::after(now);
    let store = store::store(staff, schedule.rooftop(), zone, now);
    next_change.offer(store.changes_at);

    let mut shifts = shifts::shifts(staff, definition, schedule, zone, now, &mut next_change);
    let mut departments: BTreeMap<&str, Lists> = BTreeMap::new();
    let upstream = Upstream::of(definition);
    for deal in deals {
        let Some(leaves_at) = leaves_at(deal.over, deal.last_event_at, &deal.intervals) else { continue };
        if leaves_at <= now {
            continue;
        }
        next_change.offer(Some(leaves_at));
        for interval in deal.intervals.iter().filter(|interval| is_standing(interval)) {
            let of = definition.interval(interval.kind, &interval.name);
            let standing = match (interval.state, of.map(|of| evidence.of_absence(&of.end, now))) {
                (IntervalState::Open, Some(Absence::Unknown { since, .. })) => Standing::UnknownSince(since),
                (IntervalState::Open, _) => Standing::Open,
                _ => Standing::NotObserved,
            };
            let lists = departments.entry(&interval.owner_department).or_default();
            match interval.kind {
                IntervalKind::Handoff => lists.waiting.push(waiting(deal, interval, standing)),
                _ => {
                    let role = of.and_then(|stage| stage.role.as_deref());
                    let actor = interval.actor.as_ref().filter(|actor| shifts.may_work_as(actor, role));
                    lists.serving.push(serving(deal, interval, actor, standing));
                }
            }
        }
        for (department, arriving) in upstream.arriving(deal) {
            departments.entry(department).or_default().arriving.push(arriving);
        }
    }

    evidence.feeds.values().for_each(|heard| next_change.offer(heard.becomes_stale_at()));
    let feeds = evidence.feeds.iter().map(|(source, heard)| feed_health(evidence, source, heard, now)).collect();
    let departments = definition.departments.iter().map(|department| {
        let id = department.id.as_str();
        let lists = departments.remove(id).unwrap_or_default();
        let shift = shifts.departments.remove(id).unwrap_or_default();
        DepartmentFloor {
            department: id.to_owned(),
            waiting: listed(
                lists.waiting,
                |of| of.standing == Standing::Open,
                |of| (of.since.latest, &of.deal, &of.interval),
            ),
            serving: listed(
                lists.serving,
                |of| of.standing == Standing::Open,
                |of| (of.since.latest, &of.deal, &of.interval),
            ),
            staff_known: shift.known,
            on_shift: listed(shift.people, |_| true, |of| (of.since.latest, &of.staff, &of.staff)),
            shared_roles: roles::shared(definition, id),
            arriving: listed(lists.arriving, |of| of.steps == 1, |of| (of.since.latest, &of.deal, &of.towards)),
        }
    });
    Floor {
        as_of: now,
        store,
        departments: departments.collect(),
        unplaced: listed(shifts.unplaced, |_| true, |of| (of.since.latest, &of.staff, &of.staff)),
        feeds,
        next_change: next_change.at,
    }
}

fn feed_health(evidence: &Evidence, source: &str, heard: &Heard, now: Timestamp) -> FeedHealth {
    let stale = heard.is_stale(now);
    FeedHealth {
        source: source.to_owned(),
        last_arrival: heard.last_arrival,
        stale_since: heard.stale_at.filter(|_| stale),
        expected_interval: heard.expected,
        hides: if stale { evidence.hidden_by(source, heard, now) } else { Vec::new() },
    }
}

#[derive(Default)]
struct Lists {
    waiting: Vec<Waiting>,
    serving: Vec<Serving>,
    arriving: Vec<Arriving>,
}

/// The next instant at which something changes.
struct Next {
    now: Timestamp,
    at: Option<Timestamp>,
}

impl Next {
    fn after(now: Timestamp) -> Self {
        Self { now, at: None }
    }

    fn offer(&mut self, at: Option<Timestamp>) {
        let later = at.filter(|at| *at > self.now);
        self.at = self.at.into_iter().chain(later).min();
    }
}

fn waiting(deal: &FloorDeal, interval: &Interval, standing: Standing) -> Waiting {
    Waiting {
        deal: deal.id.clone(),
        number: deal.number.clone(),
        interval: interval.id.clone(),
        measure: interval.measure(),
        since: interval.start,
        standing,
    }
}

fn serving(deal: &FloorDeal, interval: &Interval, actor: Option<&String>, standing: Standing) -> Serving {
    Serving {
        deal: deal.id.clone(),
        number: deal.number.clone(),
        interval: interval.id.clone(),
        measure: interval.measure(),
        track: interval.track.clone(),
        actor: actor.cloned(),
        since: interval.start,
        standing,
    }
}

fn listed<T>(
    mut items: Vec<T>,
    matches: impl Fn(&T) -> bool,
    key: impl Fn(&T) -> (Timestamp, &String, &String),
) -> Listed<T> {
    items.sort_by(|a, b| key(a).cmp(&key(b)));
    let (total, matching) = (items.len(), items.iter().filter(|item| matches(item)).count());
    items.truncate(MAX_LISTED);
    Listed { items, total, matching }
}
