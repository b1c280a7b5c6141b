//! The fold: from the set of a deal's accepted events to the deal.

mod accept;
mod holding;
mod outcome;
mod result;
mod running;
mod step;
mod tighten;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

pub(crate) use self::step::Step;
use self::{
    accept::{Accepted, Live, accept},
    holding::Hands,
    outcome::Progress,
    running::Running,
    step::{by_type, steps},
    tighten::{Impossible, tighten},
};
use crate::{
    deal::{Deal, Exception, Occurrence, Relation},
    definition::{Definition, Outcome, TypeId},
    event::{Bound, Event},
    interval::Founding,
    key::{key_refs_of, owned},
};

/// A deal holds at most so many events; the rest go to review.
pub const MAX_EVENTS: usize = 2000;

/// Event types that some source of the rooftop has ever reported. A step that is not among them is not idle when it is
/// missing: it is not observed.
///
/// Give the whole set as it is known, not as it grew; when it grows, deals that wait for the new type fold anew.
/// [`crate::state_hash`] does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed(Option<BTreeSet<String>>);

impl Observed {
    /// Every step is reported by somebody.
    pub fn everything() -> Self {
        Self(None)
    }

    pub fn of<T: Into<String>>(types: impl IntoIterator<Item = T>) -> Self {
        Self(Some(types.into_iter().map(Into::into).collect()))
    }

    pub fn contains(&self, event_type: &str) -> bool {
        self.0.as_ref().is_none_or(|types| types.contains(event_type))
    }

    /// Adds a type; whether it is new.
    pub fn insert(&mut self, event_type: &str) -> bool {
        match &mut self.0 {
            Some(types) if !types.contains(event_type) => types.insert(event_type.to_owned()),
            _ => false,
        }
    }
}

/// What the fold of a set of events comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    pub deal: Deal,
    /// The distinct events that count, as places in the input, in the order of the fold: the timeline.
    pub timeline: Vec<usize>,
}

/// Folds events, in any order and with any repetition, into the deal that they make.
///
/// Total: whatever the events hold, there is a deal. An event identifies itself by (`source`, `id`).
pub fn fold(def: &Definition, events: &[Event], observed: &Observed) -> Folded {
    let accepted = accept(def, events);
    let mut steps = steps(def, &accepted.live);
    let impossible = tighten(def, &mut steps);
    let places = by_type(def, &steps);
    let reported = |id: TypeId| !places[id].is_empty() || observed.contains(&def.index().effects(id).event_type);

    let walked = walk(def, &steps, &reported);
    let (holders, assigned) = walked.hands.into_parts();
    let mut deal = Deal {
        definition_version: def.version().to_owned(),
        state: walked.progress.state(def),
        opened_at: opened_at(def, &accepted.live, &steps, &places),
        kind: steps.iter().find_map(|step| step.fact("kind")).map(str::to_owned),
        keys: keys(&accepted.live),
        intervals: Vec::new(),
        holders,
        assigned,
        milestones: milestones(def, &steps, &places),
        rework: rework(def, &places),
        rounds: def.index().rounds.map_or(0, |id| count(places[id].len())),
        lost_reason: walked.progress.lost_reason().map(str::to_owned),
        event_count: count(accepted.distinct),
        unknown_types: unknown_types(&accepted.live),
        exceptions: exceptions(&accepted, &impossible, walked.reviews),
        relations: relations(def, &steps),
        last_event_at: accepted.live.last().map(|live| live.event.time.ordered()),
    };
    for running in &walked.running {
        result::add(&mut deal, def, running, &reported, &|id| !places[id].is_empty());
    }
    result::sort(&mut deal);
    Folded { deal, timeline: accepted.live.iter().map(|live| live.place).collect() }
}

/// What going through the steps comes to.
struct Walked<'a> {
    running: Vec<Running<'a, 'a>>,
    hands: Hands<'a>,
    progress: Progress<'a>,
    reviews: Vec<Exception>,
}

fn walk<'a>(def: &'a Definition, steps: &[Step<'a>], reported: &impl Fn(TypeId) -> bool) -> Walked<'a> {
    let index = def.index();
    let skew = SignedDuration::from_secs(i64::from(def.clock_skew_seconds));
    let mut running: Vec<Running<'_, '_>> = index.intervals().iter().map(Running::new).collect();
    let mut hands = Hands::default();
    let mut progress = Progress::default();
    let mut reviews = Vec::new();
    let mut seen = vec![false; index.type_count()];

    for step in steps {
        let effects = index.effects(step.type_id);
        match effects.outcome {
            Some(Outcome::Lost | Outcome::Unwound) => {
                running.iter_mut().for_each(|running| running.end_with_deal(step));
                hands.let_go();
            }
            Some(Outcome::Reopened) => running.iter_mut().for_each(|running| running.reopen(step)),
            _ => {}
        }
        for at in &effects.ends {
            running[*at].end(step);
        }
        for at in &effects.overtakes {
            running[*at].overtake(step);
        }
        for at in &effects.starts {
            running[*at].begin(step, skew);
        }
        progress.take(effects, step);
        if !progress.is_over() {
            hands.take(effects, step, |awaited| index.type_id(awaited).is_some_and(reported));
        }
        if let Some((review, after)) = &effects.review
            && after.is_none_or(|after| seen[after])
        {
            let detail = step.fact("reason").unwrap_or(&effects.event_type).to_owned();
            reviews.push(exception(&review.kind, detail, Some(step.at), &Founding::of(step), &[]));
        }
        seen[step.type_id] = true;
    }
    if let Some(over_by) = progress.over_by() {
        running.iter_mut().for_each(|running| running.finish(over_by));
    }
    Walked { running, hands, progress, reviews }
}

fn opened_at(def: &Definition, live: &[Live<'_>], steps: &[Step<'_>], places: &[Vec<usize>]) -> Option<Bound> {
    let opened = def.index().opened_by.and_then(|id| places[id].first());
    opened.map(|place| steps[*place].at).or_else(|| live.first().map(|live| live.event.time.ordered()))
}

fn keys(live: &[Live<'_>]) -> Vec<crate::key::Key> {
    let refs: BTreeSet<_> = live.iter().flat_map(|live| key_refs_of(live.event)).collect();
    refs.into_iter().map(owned).collect()
}

fn milestones(def: &Definition, steps: &[Step<'_>], places: &[Vec<usize>]) -> BTreeMap<String, Occurrence> {
    let of_type = |(id, places): (TypeId, &Vec<usize>)| {
        let (first, last) = (&steps[*places.first()?], &steps[*places.last()?]);
        let actor = first.actor().map(str::to_owned);
        let occurrence = Occurrence { first: first.at, last: last.at, count: count(places.len()), actor };
        Some((def.index().effects(id).event_type.clone(), occurrence))
    };
    places.iter().enumerate().filter_map(of_type).collect()
}

/// One for each trade and kind: the last that was said.
fn relations(def: &Definition, steps: &[Step<'_>]) -> Vec<Relation> {
    let mut last = BTreeMap::new();
    for step in steps {
        if let Some(relates) = def.index().effects(step.type_id).relates {
            let (trade, rooftop) = (step.fact("trade"), step.fact("to_rooftop"));
            last.insert((relates, trade), (step.at, rooftop));
        }
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let relations = last.into_iter().map(|((relates, trade), (at, rooftop))| Relation {
        relates,
        trade: owned(trade),
        rooftop: owned(rooftop),
        at,
    });
    let mut relations: Vec<Relation> = relations.collect();
    relations.sort_by_key(|relation| relation.at.latest);
    relations
}

/// What was done again; a repetition that a counted step explains is not counted twice.
fn rework(def: &Definition, places: &[Vec<usize>]) -> u32 {
    let counted: usize = def.index().rework_counted.iter().map(|id| places[*id].len()).sum();
    let repeated: usize = def.index().rework_repeated.iter().map(|id| places[*id].len().saturating_sub(1)).sum();
    count(counted.max(repeated))
}

fn unknown_types(live: &[Live<'_>]) -> BTreeMap<String, u32> {
    let mut unknown: BTreeMap<String, u32> = BTreeMap::new();
    for live in live.iter().filter(|live| live.type_id.is_none()) {
        match unknown.get_mut(&live.event.event_type) {
            Some(count) => *count += 1,
            None => drop(unknown.insert(live.event.event_type.clone(), 1)),
        }
    }
    unknown
}

fn exceptions(accepted: &Accepted<'_>, impossible: &[Impossible<'_>], reviews: Vec<Exception>) -> Vec<Exception> {
    let conflicting = accepted.conflicting.iter().map(|event| {
        let detail = format!("event {} of {} came with more than one content", event.id, event.source);
        exception("conflicting_event", detail, Some(event.time.ordered()), &Founding::of_event(event), &["content"])
    });
    let circular = accepted.circular.iter().map(|event| {
        let detail = format!("event {} of {} and others undo each other", event.id, event.source);
        exception("conflicting_event", detail, Some(event.time.ordered()), &Founding::of_event(event), &["ring"])
    });
    let beyond = (accepted.beyond > 0).then(|| Exception {
        id: "too_many_events".to_owned(),
        kind: "too_many_events".to_owned(),
        detail: format!("{} events beyond the first {MAX_EVENTS} do not count", accepted.beyond),
        at: None,
        founded_by: Vec::new(),
    });
    let impossible = impossible.iter().map(|impossible| {
        let detail = format!("{} comes before {}", impossible.after, impossible.before);
        let apart = [impossible.before.as_str(), impossible.after.as_str()];
        exception("impossible_order", detail, Some(impossible.at), &impossible.founding, &apart)
    });
    let all = conflicting.chain(circular).chain(beyond).chain(impossible).chain(reviews);
    // several edges of the order may find the same
    let mut seen = BTreeSet::new();
    all.filter(|exception| seen.insert(exception.id.clone())).collect()
}

/// An exception that rests on these events; `apart` tells apart what the same events found of one kind.
fn exception(kind: &str, detail: String, at: Option<Bound>, founding: &Founding<'_>, apart: &[&str]) -> Exception {
    Exception {
        id: format!("{kind}.{}", founding.digest(apart)),
        kind: kind.to_owned(),
        detail,
        at,
        founded_by: founding.refs(),
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
