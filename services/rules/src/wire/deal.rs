//! Deals as the deal log tells of them.

use throughline_process as process;
use throughline_proto as pb;

use super::{Unreadable, instant, optional_instant};
use crate::domain::{Exception, Number, Subject};

/// A deal as far as judging it goes: stages, handoffs, cycles, numbers and exceptions.
pub fn subject(deal: &pb::deal::v1::Deal) -> Result<Subject, Unreadable> {
    Ok(Subject {
        name: deal.name.clone(),
        numbers: deal.keys.iter().map(|key| Number { kind: key.kind.clone(), value: key.value.clone() }).collect(),
        deal: judged(deal)?,
        exceptions: deal.exceptions.iter().map(exception).collect::<Result<_, _>>()?,
        history_recorded_at: optional_instant(deal.history_recorded_at.as_ref(), "history_recorded_at")?,
    })
}

/// Flags rest on nothing but stages, handoffs and cycles; the other fields stay empty.
fn judged(deal: &pb::deal::v1::Deal) -> Result<process::Deal, Unreadable> {
    Ok(process::Deal {
        definition_version: deal.definition_version.clone(),
        state: Default::default(),
        opened_at: None,
        kind: None,
        keys: Vec::new(),
        stages: deal.spans.iter().map(span).collect::<Result<_, _>>()?,
        handoffs: deal.handoffs.iter().map(handoff).collect::<Result<_, _>>()?,
        cycles: deal.cycles.iter().map(cycle).collect::<Result<_, _>>()?,
        holders: Default::default(),
        assigned: Default::default(),
        milestones: Default::default(),
        rework: deal.rework,
        rounds: deal.pencil_rounds,
        lost_reason: None,
        event_count: deal.event_count,
        unknown_types: Default::default(),
        exceptions: Vec::new(),
        relations: Vec::new(),
        last_event_at: None,
    })
}

fn span(span: &pb::deal::v1::Span) -> Result<process::Span, Unreadable> {
    Ok(process::Span {
        id: span.id.clone(),
        stage: span.stage.clone(),
        track: span.track.clone(),
        department: span.department.clone(),
        instance: text(&span.instance),
        actor: None,
        round: span.round,
        entered: bound(span.entered.as_ref(), &span.id)?,
        left: optional_bound(span.left.as_ref(), &span.id)?,
        closed_by: None,
        cut: optional_bound(span.cut.as_ref(), &span.id)?,
        leaving_observed: !span.leaving_unobserved,
    })
}

fn handoff(handoff: &pb::deal::v1::Handoff) -> Result<process::Handoff, Unreadable> {
    use pb::deal::v1::HandoffState as Wire;
    let state = match Wire::try_from(handoff.state) {
        Ok(Wire::Pending) => process::HandoffState::Pending,
        Ok(Wire::Accepted) => process::HandoffState::Accepted,
        Ok(Wire::NotObserved) => process::HandoffState::NotObserved,
        Ok(Wire::Void) => process::HandoffState::Void,
        Ok(Wire::Unspecified) | Err(_) => return Err(Unreadable::new(format!("state of {}", handoff.id))),
    };
    Ok(process::Handoff {
        id: handoff.id.clone(),
        handoff: handoff.handoff.clone(),
        from: handoff.from_department.clone(),
        to: handoff.to_department.clone(),
        instance: text(&handoff.instance),
        round: handoff.round,
        offered: bound(handoff.offered.as_ref(), &handoff.id)?,
        ended: optional_bound(handoff.ended.as_ref(), &handoff.id)?,
        closed_by: None,
        cut: optional_bound(handoff.cut.as_ref(), &handoff.id)?,
        state,
    })
}

fn cycle(cycle: &pb::deal::v1::Cycle) -> Result<process::deal::Cycle, Unreadable> {
    Ok(process::deal::Cycle {
        id: cycle.id.clone(),
        cycle: cycle.cycle.clone(),
        department: cycle.department.clone(),
        instance: text(&cycle.instance),
        round: cycle.round,
        started: bound(cycle.started.as_ref(), &cycle.id)?,
        ended: optional_bound(cycle.ended.as_ref(), &cycle.id)?,
        closed_by: None,
        cut: optional_bound(cycle.cut.as_ref(), &cycle.id)?,
        end_observed: !cycle.end_unobserved,
    })
}

fn exception(exception: &pb::deal::v1::DealException) -> Result<Exception, Unreadable> {
    Ok(Exception {
        id: exception.id.clone(),
        kind: exception.kind.clone(),
        detail: exception.detail.clone(),
        at: optional_instant(exception.at.as_ref(), &exception.id)?,
        candidates: exception.candidates.iter().cloned().map(super::candidate).collect(),
    })
}

fn bound(bound: Option<&pb::event::v1::TimeBound>, of: &str) -> Result<process::Bound, Unreadable> {
    use pb::event::v1::TimeQuality as Wire;
    let bound = bound.ok_or_else(|| Unreadable::new(format!("time of {of}")))?;
    let quality = match Wire::try_from(bound.quality) {
        Ok(Wire::DateOnly) => process::Quality::DateOnly,
        Ok(Wire::Exact) => process::Quality::Exact,
        _ => process::Quality::Bounded,
    };
    let earliest = instant(bound.earliest.as_ref(), of)?;
    let latest = instant(bound.latest.as_ref(), of)?;
    Ok(process::Bound { earliest, latest, quality })
}

fn optional_bound(given: Option<&pb::event::v1::TimeBound>, of: &str) -> Result<Option<process::Bound>, Unreadable> {
    given.map(|given| bound(Some(given), of)).transpose()
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}
