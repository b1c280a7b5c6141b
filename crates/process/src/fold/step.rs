//! Steps: what happened once, though several systems may have reported it.

use std::cmp::Ordering;

use jiff::SignedDuration;

use super::{
    accept::{Accepted, Live, by_origin},
    occurrence::{Report, occurrences},
};
use crate::{
    definition::{Definition, TypeId},
    event::{Bound, Event},
};

/// One occurrence of a known type.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a> {
    pub type_id: TypeId,
    pub rank: u32,
    pub at: Bound,
    /// The report whose time is narrowest; of several, the first in total order.
    narrowest: &'a Event,
    /// The other reports, in total order; each of another source.
    others: Vec<&'a Event>,
    /// Events that the reports stand in for.
    replaced: Vec<(&'a str, &'a str)>,
}

impl<'a> Step<'a> {
    fn of(live: &Live<'a>, type_id: TypeId, accepted: &Accepted<'a>) -> Self {
        let replaced = accepted.replaced_by(live.event).to_vec();
        let (rank, at) = (live.rank, live.event.time.ordered());
        Self { type_id, rank, at, narrowest: live.event, others: Vec::new(), replaced }
    }

    /// One step of the reports at these places, which ascend.
    fn merged(alike: &[Observation<'_, 'a>], places: &[usize], accepted: &Accepted<'a>) -> Option<Self> {
        let width = |at: &usize| alike[*at].live.event.time.ordered().width();
        let narrowest = places.iter().copied().min_by_key(width)?;
        let mut step = Self::of(alike[narrowest].live, alike[narrowest].type_id, accepted);
        for other in places.iter().filter(|at| **at != narrowest) {
            let event = alike[*other].live.event;
            step.others.push(event);
            step.replaced.extend_from_slice(accepted.replaced_by(event));
        }
        Some(step)
    }

    /// What the narrowest report says, else the first other one that says something.
    fn says<T>(&self, say: impl Fn(&'a Event) -> Option<T>) -> Option<T> {
        say(self.narrowest).or_else(|| self.others.iter().find_map(|event| say(event)))
    }

    pub(super) fn actor(&self) -> Option<&'a str> {
        self.says(|event| event.actor.as_deref())
    }

    pub(super) fn role(&self) -> Option<&'a str> {
        self.says(|event| event.role.as_deref())
    }

    /// A fact by name; `trade` is the trade's key.
    pub(super) fn fact(&self, name: &str) -> Option<&'a str> {
        self.says(|event| event.fact(name))
    }

    pub(super) fn source(&self) -> &'a str {
        &self.narrowest.source
    }

    /// The events that report it, as (source, event ID).
    pub(crate) fn reports(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let events = std::iter::once(self.narrowest).chain(self.others.iter().copied());
        events.map(|event| (event.source.as_str(), event.id.as_str()))
    }

    /// The events that those replace, directly or through others, as (source, event ID); whether or not they have arrived.
    pub(crate) fn replaced(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.replaced.iter().copied()
    }

    pub(super) fn total_order(&self, other: &Self) -> Ordering {
        let time = self.at.latest.cmp(&other.at.latest).then_with(|| self.rank.cmp(&other.rank));
        time.then_with(|| by_origin(self.narrowest, other.narrowest))
    }
}

/// The steps that events report, in total order.
///
/// Within one source each event is a step. Across sources [`occurrences`] matches them by time, within the definition's
/// clock skew, and the narrowest time wins.
pub(super) fn steps<'a>(def: &Definition, accepted: &Accepted<'a>) -> Vec<Step<'a>> {
    let live = &accepted.live;
    let known = || live.iter().filter_map(|live| Some((live, live.type_id?)));
    let one_source = live.windows(2).all(|pair| pair[0].event.source == pair[1].event.source);
    if one_source {
        return known().map(|(live, type_id)| Step::of(live, type_id, accepted)).collect();
    }

    let mut sources: Vec<&str> = live.iter().map(|live| live.event.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let number = |source: &str| sources.partition_point(|other| *other < source);

    let mut observations: Vec<Observation<'_, 'a>> = known()
        .enumerate()
        .map(|(order, (live, type_id))| {
            let source = number(&live.event.source);
            Observation { type_id, apart: apart(def, type_id, live.event), order, source, live }
        })
        .collect();
    observations.sort_unstable_by_key(|o| (o.type_id, o.apart, o.order));

    let skew = SignedDuration::from_secs(i64::from(def.clock_skew_seconds)).as_nanos();
    let mut steps: Vec<Step<'a>> = Vec::with_capacity(observations.len());
    for alike in observations.chunk_by(|a, b| (a.type_id, a.apart) == (b.type_id, b.apart)) {
        if alike.iter().all(|o| o.source == alike[0].source) {
            steps.extend(alike.iter().map(|o| Step::of(o.live, o.type_id, accepted)));
            continue;
        }
        let reports: Vec<Report> = alike.iter().map(Observation::report).collect();
        let groups = occurrences(&reports, skew);
        steps.extend(groups.iter().filter_map(|places| Step::merged(alike, places, accepted)));
    }
    steps.sort_unstable_by(Step::total_order);
    steps
}

/// What sets occurrences of one type apart in every source: the fact that tells instances of its stages apart, such as
/// the reconditioning step, or the role that somebody is assigned to.
///
/// Other facts do not: vendors name results, reasons and lenders differently, and a trade's key means something only
/// within its source.
fn apart<'a>(def: &Definition, type_id: TypeId, event: &'a Event) -> (Option<&'a str>, Option<&'a str>) {
    let effects = def.index().effects(type_id);
    let fact = effects.apart.as_deref().and_then(|fact| event.fact(fact));
    let role = event.role.as_deref().filter(|_| effects.assigns);
    (fact, role)
}

/// A live event of a known type, with what matching needs to know of it.
struct Observation<'l, 'a> {
    type_id: TypeId,
    apart: (Option<&'a str>, Option<&'a str>),
    /// Place in the total order.
    order: usize,
    /// A number that stands for the source.
    source: usize,
    live: &'l Live<'a>,
}

impl Observation<'_, '_> {
    fn report(&self) -> Report {
        let Bound { earliest, latest, .. } = self.live.event.time.ordered();
        Report { earliest: earliest.as_nanosecond(), latest: latest.as_nanosecond(), source: self.source }
    }
}

/// Places of the steps of each type, in total order.
pub(super) fn by_type(def: &Definition, steps: &[Step<'_>]) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); def.index().type_count()];
    for (place, step) in steps.iter().enumerate() {
        places[step.type_id].push(place);
    }
    places
}

#[cfg(test)]
mod tests;
