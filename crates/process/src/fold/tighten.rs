//! The definition's order narrows bounds: an effect can't lie before the earliest time of its cause, nor a cause after
//! the latest time of its effect. What can't be reconciled is an impossible order, for a person to look at.

use jiff::{SignedDuration, Timestamp};

use super::step::{Step, by_type};
use crate::{
    definition::{Definition, TypeId},
    event::{Bound, Quality},
    interval::Founding,
};

/// Two steps that happened in an order in which they can't have.
#[derive(Debug)]
pub(super) struct Impossible<'a> {
    pub before: String,
    pub after: String,
    pub at: Bound,
    /// Events of the step that should have come later.
    pub founding: Founding<'a>,
}

/// Narrows the steps' bounds and puts them in order again. What an edge says reaches through types that do not occur.
pub(super) fn tighten<'a>(def: &Definition, steps: &mut [Step<'a>]) -> Vec<Impossible<'a>> {
    let index = def.index();
    let places = by_type(def, steps);
    let skew = SignedDuration::from_secs(i64::from(def.clock_skew_seconds));
    let mut impossible = Vec::new();
    let mut narrowed = false;

    // forward along the order, no effect before its cause; types that don't occur pass their floor on
    let mut floors: Vec<Option<(Timestamp, TypeId)>> = vec![None; places.len()];
    for edge in index.edges() {
        let (before, after) = (&places[edge.before], &places[edge.after]);
        let first = before.first().map(|place| (steps[*place].at.earliest, edge.before)).or(floors[edge.before]);
        match (first, after.first()) {
            (None, _) => {}
            (Some(floor), None) => {
                floors[edge.after] = Some(floors[edge.after].map_or(floor, |other| other.max(floor)))
            }
            (Some((floor, cause)), Some(effect)) => {
                narrowed |= raise(&mut steps[*effect].at, floor, skew).unwrap_or_else(|| {
                    impossible.push(found(def, cause, &steps[*effect]));
                    false
                });
            }
        }
        if edge.each {
            for (cause, effect) in later_rounds(steps, before, after, skew) {
                let floor = steps[cause].at.earliest;
                narrowed |= raise(&mut steps[effect].at, floor, skew).unwrap_or(false);
            }
        }
    }

    // and back, no cause after its effect
    let mut ceilings: Vec<Option<Timestamp>> = vec![None; places.len()];
    for edge in index.edges().iter().rev() {
        let (before, after) = (&places[edge.before], &places[edge.after]);
        let first = after.first().map(|place| steps[*place].at.latest).or(ceilings[edge.after]);
        match (before.first(), first) {
            (_, None) => {}
            (None, Some(ceiling)) => {
                ceilings[edge.before] = Some(ceilings[edge.before].map_or(ceiling, |other| other.min(ceiling)));
            }
            (Some(cause), Some(ceiling)) => narrowed |= lower(&mut steps[*cause].at, ceiling),
        }
        if edge.each {
            for (cause, effect) in later_rounds(steps, before, after, skew) {
                let ceiling = steps[effect].at.latest;
                narrowed |= lower(&mut steps[cause].at, ceiling);
            }
        }
    }

    if narrowed {
        steps.sort_unstable_by(Step::total_order);
    }
    impossible
}

/// Pairs of the second and later rounds: the k-th cause with the k-th effect, if there are as many of both and each pair
/// can have happened in that order. Otherwise none.
///
/// Ordinals say which cause belongs to which effect only if every round is reported in full. Where a pair is out of
/// order, a report is missing, and it is not known of which round. That is no impossible order either.
fn later_rounds<'p>(
    steps: &[Step<'_>],
    before: &'p [usize],
    after: &'p [usize],
    skew: SignedDuration,
) -> impl Iterator<Item = (usize, usize)> + use<'p> {
    let pairs = before.iter().copied().zip(after.iter().copied());
    let in_order =
        |(cause, effect): (usize, usize)| steps[cause].at.earliest.duration_since(steps[effect].at.latest) <= skew;
    let known = before.len() == after.len() && pairs.clone().all(in_order);
    pairs.take(if known { before.len() } else { 0 }).skip(1)
}

fn found<'a>(def: &Definition, before: TypeId, after: &Step<'a>) -> Impossible<'a> {
    let name = |id: TypeId| def.index().effects(id).event_type.clone();
    Impossible { before: name(before), after: name(after.type_id), at: after.at, founding: Founding::of(after) }
}

/// Whether it narrowed the bound; none if that can't be, by more than clocks differ.
fn raise(at: &mut Bound, floor: Timestamp, skew: SignedDuration) -> Option<bool> {
    if floor <= at.latest {
        return Some(narrow(at, floor.max(at.earliest), at.latest));
    }
    (floor.duration_since(at.latest) <= skew).then_some(false)
}

fn lower(at: &mut Bound, ceiling: Timestamp) -> bool {
    at.earliest <= ceiling && narrow(at, at.earliest, ceiling.min(at.latest))
}

fn narrow(at: &mut Bound, earliest: Timestamp, latest: Timestamp) -> bool {
    let narrowed = earliest != at.earliest || latest != at.latest;
    if narrowed {
        // a narrowed day is no day any more, and no claim of an instant either
        *at = Bound { earliest, latest, quality: Quality::Bounded };
    }
    narrowed
}
