//! From the rounds of the courses to the spans, handoffs and cycles of a deal.

use super::course::{End, Round, Running};
use crate::{
    deal::{ClosedBy, Cycle, Deal, Handoff, HandoffState, Span},
    definition::{CourseKind, Definition, TypeId},
    event::Bound,
};

/// Adds what a course came to; `observed` tells of each type whether some source of the rooftop reports it, `occurs`
/// whether the deal has it.
pub(super) fn add(
    deal: &mut Deal,
    def: &Definition,
    running: &Running<'_, '_>,
    observed: &impl Fn(TypeId) -> bool,
    occurs: &impl Fn(TypeId) -> bool,
) {
    let course = running.course;
    if !course.requires.iter().all(|required| occurs(*required)) {
        return;
    }
    let end_observed = course.closers.iter().any(|closer| observed(*closer));
    for round in &running.rounds {
        let instance = round.instance.map(|instance| instance.value.to_owned());
        let (ended, closed_by) = end_of(def, round);
        match course.kind {
            CourseKind::Stage(at) => {
                let stage = &def.stages[at];
                deal.stages.push(Span {
                    id: id_of("stage", &stage.id, round),
                    stage: stage.id.clone(),
                    track: stage.track.clone(),
                    department: stage.department.clone(),
                    instance,
                    actor: round.actor.map(str::to_owned),
                    round: round.number,
                    entered: round.start,
                    left: ended,
                    closed_by,
                    cut: round.cut,
                    leaving_observed: end_observed,
                });
            }
            CourseKind::Handoff(at) => {
                let handoff = &def.handoffs[at];
                deal.handoffs.push(Handoff {
                    id: id_of("handoff", &handoff.id, round),
                    handoff: handoff.id.clone(),
                    from: handoff.from.clone(),
                    to: handoff.to.clone(),
                    instance,
                    round: round.number,
                    offered: round.start,
                    ended,
                    state: state_of(closed_by.as_ref(), end_observed),
                    closed_by,
                    cut: round.cut,
                });
            }
            CourseKind::Cycle(at) => {
                let cycle = &def.cycles[at];
                deal.cycles.push(Cycle {
                    id: id_of("cycle", &cycle.id, round),
                    cycle: cycle.id.clone(),
                    department: cycle.department.clone(),
                    instance,
                    round: round.number,
                    started: round.start,
                    ended,
                    closed_by,
                    cut: round.cut,
                    end_observed,
                });
            }
        }
    }
}

/// Puts everything in order of time; ids, which are unique, decide ties.
pub(super) fn sort(deal: &mut Deal) {
    deal.stages.sort_unstable_by(|a, b| (a.entered.latest, &a.id).cmp(&(b.entered.latest, &b.id)));
    deal.handoffs.sort_unstable_by(|a, b| (a.offered.latest, &a.id).cmp(&(b.offered.latest, &b.id)));
    deal.cycles.sort_unstable_by(|a, b| (a.started.latest, &a.id).cmp(&(b.started.latest, &b.id)));
}

fn id_of(what: &str, name: &str, round: &Round<'_>) -> String {
    match round.instance {
        Some(instance) => format!("{what}.{name}[{}].{}", instance.value, round.number),
        None => format!("{what}.{name}.{}", round.number),
    }
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

fn state_of(closed_by: Option<&ClosedBy>, end_observed: bool) -> HandoffState {
    match closed_by {
        Some(ClosedBy::Event(_)) => HandoffState::Accepted,
        _ if !end_observed => HandoffState::NotObserved,
        Some(ClosedBy::Inferred(_)) => HandoffState::Accepted,
        Some(ClosedBy::DealEnded(_)) => HandoffState::Void,
        None => HandoffState::Pending,
    }
}
