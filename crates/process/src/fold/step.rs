//! Steps: what happened once, though several systems may have told of it.

use std::cmp::Ordering;

use super::accept::{Live, by_origin};
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
    /// The telling whose time is narrowest.
    told: &'a Event,
    /// The other tellings, in total order.
    also: Vec<&'a Event>,
}

impl<'a> Step<'a> {
    fn of(live: &Live<'a>, type_id: TypeId) -> Self {
        Self { type_id, rank: live.rank, at: live.event.time.ordered(), told: live.event, also: Vec::new() }
    }

    /// What the narrowest telling says, else the first other one that says something.
    fn says<T>(&self, say: impl Fn(&'a Event) -> Option<T>) -> Option<T> {
        say(self.told).or_else(|| self.also.iter().find_map(|event| say(event)))
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
        &self.told.source
    }

    /// The events that report it, as (source, event ID).
    pub(crate) fn reports(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.events().map(|event| (event.source.as_str(), event.id.as_str()))
    }

    /// The events that those replace, as (source, event ID).
    pub(crate) fn replaced(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.events().filter_map(|event| Some((event.source.as_str(), event.replaces.as_deref()?)))
    }

    fn events(&self) -> impl Iterator<Item = &'a Event> {
        std::iter::once(self.told).chain(self.also.iter().copied())
    }

    pub(super) fn total_order(&self, other: &Self) -> Ordering {
        let time = self.at.latest.cmp(&other.at.latest).then_with(|| self.rank.cmp(&other.rank));
        time.then_with(|| by_origin(self.told, other.told))
    }
}

/// The steps that events tell of, in total order.
///
/// Within one source each event is a step. Across sources the k-th tellings of a step whose bounds overlap are one, and
/// the narrowest time wins.
pub(super) fn steps<'a>(def: &Definition, live: &[Live<'a>]) -> Vec<Step<'a>> {
    let known = || live.iter().filter_map(|live| Some((live, live.type_id?)));
    let one_source = live.windows(2).all(|pair| pair[0].event.source == pair[1].event.source);
    if one_source {
        return known().map(|(live, type_id)| Step::of(live, type_id)).collect();
    }

    // tellings by step, source and time; what a step is told of, such as a reconditioning step, sets steps apart
    let mut tellings: Vec<Telling<'a>> = known()
        .enumerate()
        .map(|(order, (live, type_id))| {
            let apart = def.index().effects(type_id).apart.as_deref();
            let about = apart.and_then(|fact| live.event.fact(fact));
            Telling { type_id, about, source: &live.event.source, order, kth: 0, step: Step::of(live, type_id) }
        })
        .collect();
    tellings.sort_unstable_by_key(|t| (t.type_id, t.about, t.source, t.order));
    for at in 1..tellings.len() {
        let (before, this) = (&tellings[at - 1], &tellings[at]);
        if (before.type_id, before.about, before.source) == (this.type_id, this.about, this.source) {
            tellings[at].kth = before.kth + 1;
        }
    }
    tellings.sort_by_key(|t| (t.type_id, t.about, t.kth, t.step.at.width(), t.order));

    let mut steps: Vec<Step<'a>> = Vec::with_capacity(tellings.len());
    for same in tellings.chunk_by(|a, b| (a.type_id, a.about, a.kth) == (b.type_id, b.about, b.kth)) {
        let first = steps.len();
        for telling in same {
            let at = telling.step.at;
            // narrowest first, so a step found is the narrower one
            match steps[first..].iter_mut().find(|step| step.at.overlaps(&at)) {
                Some(step) => step.also.push(telling.step.told),
                None => steps.push(telling.step.clone()),
            }
        }
        for step in &mut steps[first..] {
            step.also.sort_unstable_by(|a, b| a.time.latest.cmp(&b.time.latest).then_with(|| by_origin(a, b)));
        }
    }
    steps.sort_unstable_by(Step::total_order);
    steps
}

struct Telling<'a> {
    type_id: TypeId,
    about: Option<&'a str>,
    source: &'a str,
    order: usize,
    kth: usize,
    step: Step<'a>,
}

/// Places of the steps of each type, in total order.
pub(super) fn by_type(def: &Definition, steps: &[Step<'_>]) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); def.index().type_count()];
    for (place, step) in steps.iter().enumerate() {
        places[step.type_id].push(place);
    }
    places
}
