//! Which events count: repetitions collapse, replaced and withdrawn ones fall away, and the rest gets its total order.

use std::cmp::Ordering;

use super::MAX_EVENTS;
use crate::{
    definition::{Definition, TypeId},
    event::Event,
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

    let circular = undo(&mut all);
    Accepted { live: all, distinct, beyond, conflicting, circular }
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
///
/// An event counts if every event that names it does not count: what undoes an undoing brings the first one back. That
/// leaves rings open; nothing in a ring is dropped, and a person is told.
fn undo<'a>(all: &mut Vec<Live<'a>>) -> Vec<&'a Event> {
    if !all.iter().any(|live| live.event.replaces.is_some() || live.event.withdraws.is_some()) {
        return Vec::new();
    }
    let mut by_identity: Vec<usize> = (0..all.len()).collect();
    by_identity.sort_unstable_by_key(|at| identity(&all[*at]));
    let find = |source: &str, id: &str| {
        let found = by_identity.binary_search_by_key(&(source, id), |at| identity(&all[*at]));
        found.ok().map(|at| by_identity[at])
    };

    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    // how many events that name this one are not yet known to fall away
    let mut standing: Vec<usize> = vec![0; all.len()];
    for (at, live) in all.iter().enumerate() {
        for id in [&live.event.replaces, &live.event.withdraws].into_iter().flatten() {
            let target = find(&live.event.source, id).filter(|target| *target != at && !targets[at].contains(target));
            if let Some(target) = target {
                targets[at].push(target);
                standing[target] += 1;
            }
        }
    }

    let mut counts: Vec<Option<bool>> = vec![None; all.len()];
    let mut settled: Vec<usize> = (0..all.len()).filter(|at| standing[*at] == 0).collect();
    while let Some(at) = settled.pop() {
        counts[at] = Some(true);
        for &target in &targets[at] {
            if counts[target].replace(false).is_none() {
                for &freed in &targets[target] {
                    standing[freed] -= 1;
                    if standing[freed] == 0 && counts[freed].is_none() {
                        settled.push(freed);
                    }
                }
            }
        }
    }

    let ring = all.iter().zip(&counts).filter(|(_, counts)| counts.is_none()).map(|(live, _)| live.event).collect();
    let mut counts = counts.into_iter();
    all.retain(|live| counts.next().flatten() != Some(false) && live.event.withdraws.is_none());
    ring
}
