//! From the rounds of running intervals to the intervals of a deal.

use super::running::{End, Round, Running};
use crate::{
    deal::Deal,
    definition::{Definition, TypeId},
    event::Bound,
    interval::{ClosedBy, Interval, IntervalState},
};

/// Adds the intervals of one definition. `observed` tells of each type whether some source of the rooftop reports it,
/// `occurs` whether the deal has it.
pub(super) fn add(
    deal: &mut Deal,
    def: &Definition,
    running: &Running<'_, '_>,
    observed: &impl Fn(TypeId) -> bool,
    occurs: &impl Fn(TypeId) -> bool,
) {
    let timed = running.timed;
    if !timed.requires.iter().all(|required| occurs(*required)) {
        return;
    }
    let end_observed = timed.ends.iter().any(|end| observed(*end));
    let of = &timed.def;
    deal.intervals.extend(running.rounds.iter().map(|round| {
        let (end, closed_by) = end_of(def, round);
        Interval {
            id: format!("{}.{}.{}", of.kind.as_str(), of.name, round.digest()),
            kind: of.kind,
            name: of.name.clone(),
            track: of.track.clone(),
            owner_department: of.owner_department.clone(),
            offered_by_department: of.offered_by_department.clone(),
            instance: round.instance.map(|instance| instance.value.to_owned()),
            round: round.number,
            actor: round.actor.map(str::to_owned),
            start: round.start,
            end,
            state: IntervalState::of(of.kind, closed_by.as_ref(), end_observed),
            closed_by,
            cut: round.cut,
            end_observed,
            founded_by: round.founding.refs(),
        }
    }));
}

/// Puts intervals in order of time; kind, name, and ID decide ties.
pub(super) fn sort(deal: &mut Deal) {
    let key = |interval: &Interval| (interval.start.latest, interval.kind);
    deal.intervals.sort_unstable_by(|a, b| (key(a), &a.name, &a.id).cmp(&(key(b), &b.name, &b.id)));
}

fn end_of(def: &Definition, round: &Round<'_>) -> (Option<Bound>, Option<ClosedBy>) {
    let named = |id: TypeId| def.index().effects(id).event_type.clone();
    let Some((bound, end)) = round.end else { return (None, None) };
    let closed_by = match end {
        End::Reported(id) => ClosedBy::Event(named(id)),
        End::Inferred(id) => ClosedBy::Inferred(named(id)),
        End::WithDeal(id) => ClosedBy::DealEnded(named(id)),
    };
    (Some(bound), Some(closed_by))
}
