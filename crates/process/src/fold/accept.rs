//! Which events count: repetitions collapse, replaced and withdrawn ones fall away, and the rest gets its total order.

use std::{cmp::Ordering, collections::BTreeMap};

use super::MAX_EVENTS;
use crate::{
    definition::{Definition, TypeId},
    event::Event,
    undo,
};

/// An event that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live<'a> {
    pub event: &'a Event,
    /// Its place in the fold's input.
    pub place: usize,
    /// None: the definition does not know its type.
    pub type_id: Option<TypeId>,
    pub rank: u32,
}

/// What is left of the input.
pub(super) struct Accepted<'a> {
    /// In total order.
    pub live: Vec<Live<'a>>,
    /// Distinct events, those that fell away by `replaces` and `withdraws` included.
    pub distinct: usize,
    /// Distinct events beyond [`MAX_EVENTS`].
    pub beyond: usize,
    /// Events that came with several contents; the least one counts.
    pub conflicting: Vec<&'a Event>,
    /// Events that undo each other in a ring; all of them count.
    pub circular: Vec<&'a Event>,
    replaced: Replaced<'a>,
}

/// For each live event that replaces another: what it stands in for, by (source, event id).
type Replaced<'a> = BTreeMap<(&'a str, &'a str), Vec<(&'a str, &'a str)>>;

/// An event stands in for at most so many others; older corrections are forgotten.
const MAX_REPLACED: usize = 100;

impl<'a> Accepted<'a> {
    /// Events of the same source that a live event stands in for, as (source, event id): the one that it replaces, the
    /// one which that one replaced, and so on.
    pub(super) fn replaced_by(&self, event: &'a Event) -> &[(&'a str, &'a str)] {
        self.replaced.get(&(event.source.as_str(), event.id.as_str())).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn accept<'a>(def: &Definition, events: &'a [Event]) -> Accepted<'a> {
    let mut all: Vec<Live<'a>> = events.iter().enumerate().map(|(place, event)| live(def, place, event)).collect();
    all.sort_unstable_by(|a, b| identity(a).cmp(&identity(b)).then_with(|| by_content(a.event, b.event)));

    let mut conflicting: Vec<&Event> = Vec::new();
    all.dedup_by(|later, kept| {
        let same = identity(later) == identity(kept);
        if same
            && by_content(later.event, kept.event).is_ne()
            && !conflicting.last().is_some_and(|known| std::ptr::eq(*known, kept.event))
        {
            conflicting.push(kept.event);
        }
        same
    });

    all.sort_unstable_by(total_order);
    let distinct = all.len().min(MAX_EVENTS);
    let beyond = all.len() - distinct;
    all.truncate(MAX_EVENTS);

    let (circular, replaced) = undo(&mut all);
    Accepted { live: all, distinct, beyond, conflicting, circular, replaced }
}

fn live<'a>(def: &Definition, place: usize, event: &'a Event) -> Live<'a> {
    let type_id = def.index().type_id(&event.event_type);
    let rank = type_id.map_or(u32::MAX, |id| def.index().effects(id).rank);
    Live { event, place, type_id, rank }
}

fn identity<'a>(live: &Live<'a>) -> (&'a str, &'a str) {
    (&live.event.source, &live.event.id)
}

/// A total order over distinct events in which a cause comes before its effect in a tie.
pub(super) fn total_order(a: &Live<'_>, b: &Live<'_>) -> Ordering {
    let latest = |live: &Live<'_>| live.event.time.ordered().latest;
    latest(a).cmp(&latest(b)).then_with(|| a.rank.cmp(&b.rank)).then_with(|| by_origin(a.event, b.event))
}

/// The tail of the total order: source, source sequence, event id.
pub(super) fn by_origin(a: &Event, b: &Event) -> Ordering {
    (&a.source, a.source_sequence, &a.id).cmp(&(&b.source, b.source_sequence, &b.id))
}

/// Orders copies of one event by what the fold reads of them; equal copies are repetitions.
fn by_content(a: &Event, b: &Event) -> Ordering {
    fn content(event: &Event) -> impl Ord + '_ {
        let time = (event.time.earliest, event.time.latest, event.time.quality);
        let who = (&event.subject, &event.actor, &event.role, &event.trade);
        let undoes = (&event.replaces, &event.withdraws);
        (&event.event_type, time, event.source_sequence, who, &event.keys, &event.data, undoes)
    }
    content(a).cmp(&content(b))
}

/// Drops the events that others replace or withdraw, and withdrawals themselves, which report no step.
/// Events that undo each other in a ring all count, and open a review.
fn undo<'a>(all: &mut Vec<Live<'a>>) -> (Vec<&'a Event>, Replaced<'a>) {
    if !all.iter().any(|live| live.event.replaces.is_some() || live.event.withdraws.is_some()) {
        return (Vec::new(), Replaced::new());
    }
    let mut by_identity: Vec<usize> = (0..all.len()).collect();
    by_identity.sort_unstable_by_key(|at| identity(&all[*at]));
    let named = |at: usize, id: &Option<String>| {
        let wanted = (all[at].event.source.as_str(), id.as_deref()?);
        let found = by_identity.binary_search_by_key(&wanted, |at| identity(&all[*at]));
        found.ok().map(|found| by_identity[found]).filter(|found| *found != at)
    };
    let replaces: Vec<Option<usize>> = (0..all.len()).map(|at| named(at, &all[at].event.replaces)).collect();
    let withdraws: Vec<Option<usize>> = (0..all.len()).map(|at| named(at, &all[at].event.withdraws)).collect();

    let edges = |targets: &[Option<usize>]| -> Vec<undo::Edge> {
        targets.iter().enumerate().filter_map(|(at, target)| Some((at, (*target)?))).collect()
    };
    let counts = undo::counts(all.len(), edges(&replaces), edges(&withdraws));

    let ring = all.iter().zip(&counts).filter(|(_, counts)| counts.is_none()).map(|(live, _)| live.event).collect();
    let stays = |at: usize| counts[at] != Some(false) && all[at].event.withdraws.is_none();
    let replaced = (0..all.len())
        .filter(|at| stays(*at) && all[*at].event.replaces.is_some())
        .map(|at| (identity(&all[at]), chain(all, &replaces, at)))
        .collect();
    let mut stays: Vec<bool> = (0..all.len()).map(stays).collect();
    stays.reverse();
    all.retain(|_| stays.pop().unwrap_or(true));
    (ring, replaced)
}

/// What an event replaces, directly and through the events that it replaces; the last one need not have arrived.
fn chain<'a>(all: &[Live<'a>], replaces: &[Option<usize>], from: usize) -> Vec<(&'a str, &'a str)> {
    let mut chain = Vec::new();
    let mut at = Some(from);
    while let Some(event) = at.map(|at| all[at].event)
        && let Some(id) = event.replaces.as_deref()
        && chain.len() < MAX_REPLACED
    {
        chain.push((event.source.as_str(), id));
        at = at.and_then(|at| replaces[at]).filter(|at| *at != from);
    }
    chain
}
