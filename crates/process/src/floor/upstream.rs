//! Which deals are about to arrive at a department, as follows from the definition: an interval that ends by a type of event
//! by which another starts leads to it.

use std::collections::BTreeSet;

use super::{Arriving, FloorDeal, is_standing};
use crate::{
    definition::{Definition, IntervalDef},
    interval::{Interval, IntervalKind},
};

/// Where deals come from, for each way into each department.
pub(super) struct Upstream<'d> {
    entries: Vec<Entry<'d>>,
}

/// A way into a department.
struct Entry<'d> {
    by: &'d IntervalDef,
    /// A deal that has one of these has taken it: the handoff, or anything that a department without handoffs owns.
    taken_by: Vec<&'d IntervalDef>,
    /// Intervals that lead to it, each with the number of intervals from there on.
    from: Vec<(&'d IntervalDef, u32)>,
}

impl<'d> Upstream<'d> {
    /// The ways into a department are its handoffs. One without handoffs is entered by its stages and by the cycles whose
    /// end waits for it.
    pub(super) fn of(definition: &'d Definition) -> Self {
        let entries = definition.departments.iter().flat_map(|department| {
            let owned = definition.intervals.iter().filter(|interval| interval.owner_department == department.id);
            let (handoffs, others): (Vec<_>, Vec<_>) =
                owned.partition(|interval| interval.kind == IntervalKind::Handoff);
            let by_handoff = !handoffs.is_empty();
            let ways = if by_handoff { handoffs } else { others };
            let entry = |by: &&'d IntervalDef| Entry {
                by,
                taken_by: if by_handoff { vec![*by] } else { ways.clone() },
                from: leading_to(definition, by),
            };
            ways.iter().map(entry).collect::<Vec<_>>()
        });
        Self { entries: entries.collect() }
    }

    /// Where a deal will arrive: at each way in that it has not taken yet and that something of it leads to, from what
    /// of it is nearest. One that leads to several ways into one department arrives once, by the nearest.
    pub(super) fn arriving(&self, deal: &FloorDeal) -> Vec<(&'d str, Arriving)> {
        let mut arriving: Vec<(&'d str, Arriving)> = Vec::new();
        for Entry { by, taken_by, from } in &self.entries {
            let taken = |interval: &Interval| taken_by.iter().any(|by| interval.is(by.kind, &by.name));
            if deal.intervals.iter().any(taken) || !by.requires.iter().all(|required| deal.happened.contains(required))
            {
                continue;
            }
            let leads = |interval: &&Interval| {
                let from = from.iter().find(|(from, _)| interval.is(from.kind, &from.name));
                from.map(|(_, steps)| *steps)
            };
            let standing = deal.intervals.iter().filter(|interval| is_standing(interval));
            let nearest = standing
                .filter_map(|interval| Some((leads(&interval)?, interval)))
                .min_by(|(a, one), (b, other)| (a, one.start.latest, &one.id).cmp(&(b, other.start.latest, &other.id)));
            let Some((steps, interval)) = nearest else { continue };
            let found = Arriving {
                deal: deal.id.clone(),
                number: deal.number.clone(),
                towards: by.kind.measure(&by.name),
                department: interval.owner_department.clone(),
                measure: interval.measure(),
                since: interval.start,
                steps,
            };
            match arriving.iter_mut().find(|(department, _)| *department == by.owner_department) {
                Some((_, other)) if other.steps <= steps => {}
                Some((_, other)) => *other = found,
                None => arriving.push((&by.owner_department, found)),
            }
        }
        arriving
    }
}

/// Stages and handoffs of other departments from which events lead to the start of an interval, nearest first.
fn leading_to<'d>(definition: &'d Definition, entry: &'d IntervalDef) -> Vec<(&'d IntervalDef, u32)> {
    let mut leading: Vec<(&IntervalDef, u32)> = Vec::new();
    let mut starts: BTreeSet<&str> = entry.start.iter().map(String::as_str).collect();
    for steps in 1.. {
        let ends_so = |interval: &&'d IntervalDef| {
            interval.kind != IntervalKind::Cycle
                && interval.owner_department != entry.owner_department
                && interval.end.iter().any(|end| starts.contains(end.as_str()))
        };
        let known = |interval: &IntervalDef| leading.iter().any(|(known, _)| std::ptr::eq(*known, interval));
        let found: Vec<&IntervalDef> =
            definition.intervals.iter().filter(|interval| ends_so(interval) && !known(interval)).collect();
        if found.is_empty() {
            break;
        }
        starts = found.iter().flat_map(|interval| &interval.start).map(String::as_str).collect();
        leading.extend(found.into_iter().map(|interval| (interval, steps)));
    }
    leading
}
