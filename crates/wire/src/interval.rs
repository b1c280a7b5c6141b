//! Intervals and the events that found them.

use throughline_process::{ClosedBy, EventRef, Interval, IntervalKind, IntervalState};
use throughline_proto::deal::v1 as pb;

use crate::{Unreadable, optional_bound, read_bound, render_bound};

/// The interval as a message: without revision and durations, which its owner adds.
pub fn render_interval(interval: Interval) -> pb::Interval {
    let (closing, closed_by) = match interval.closed_by {
        None => (pb::Closing::Unspecified, String::new()),
        Some(ClosedBy::Event(event_type)) => (pb::Closing::Reported, event_type),
        Some(ClosedBy::Inferred(event_type)) => (pb::Closing::Inferred, event_type),
        Some(ClosedBy::DealEnded(event_type)) => (pb::Closing::DealEnded, event_type),
    };
    pb::Interval {
        id: interval.id,
        kind: render_kind(interval.kind) as i32,
        name: interval.name,
        track: interval.track.unwrap_or_default(),
        owner_department: interval.owner_department,
        offered_by_department: interval.offered_by_department.unwrap_or_default(),
        instance: interval.instance.unwrap_or_default(),
        round: interval.round,
        start: Some(render_bound(interval.start)),
        end: interval.end.map(render_bound),
        state: render_state(interval.state) as i32,
        closing: closing as i32,
        closed_by,
        cut: interval.cut.map(render_bound),
        end_observed: interval.end_observed,
        durations: None,
        founded_by: render_event_refs(interval.founded_by),
        revision: 0,
        actor: interval.actor.unwrap_or_default(),
        unknown_since: None,
    }
}

/// The interval of a message.
pub fn read_interval(wire: &pb::Interval) -> Result<Interval, Unreadable> {
    let lacks = |what: &str| Unreadable::new(format!("{what} of interval {}", wire.id));
    let end = optional_bound(wire.end.as_ref(), &wire.id)?;
    let state = read_state(wire.state()).ok_or_else(|| lacks("state"))?;
    let closed_by = match (wire.closing(), wire.closed_by.clone()) {
        (pb::Closing::Unspecified, _) => None,
        (pb::Closing::Reported, event_type) => Some(ClosedBy::Event(event_type)),
        (pb::Closing::Inferred, event_type) => Some(ClosedBy::Inferred(event_type)),
        (pb::Closing::DealEnded, event_type) => Some(ClosedBy::DealEnded(event_type)),
    };
    if state == IntervalState::Ended && end.is_none() {
        return Err(lacks("end"));
    }
    Ok(Interval {
        id: wire.id.clone(),
        kind: read_kind(wire.kind()).ok_or_else(|| lacks("kind"))?,
        name: wire.name.clone(),
        track: some(&wire.track),
        owner_department: wire.owner_department.clone(),
        offered_by_department: some(&wire.offered_by_department),
        instance: some(&wire.instance),
        round: wire.round,
        actor: some(&wire.actor),
        start: read_bound(wire.start.as_ref(), &wire.id)?,
        end,
        state,
        closed_by,
        cut: optional_bound(wire.cut.as_ref(), &wire.id)?,
        end_observed: wire.end_observed,
        founded_by: read_event_refs(&wire.founded_by),
    })
}

/// Founding events as messages.
pub fn render_event_refs(events: impl IntoIterator<Item = EventRef>) -> Vec<pb::EventRef> {
    events.into_iter().map(|EventRef { source, id }| pb::EventRef { source, id }).collect()
}

/// Founding events of messages, sorted.
pub fn read_event_refs(events: &[pb::EventRef]) -> Vec<EventRef> {
    let read = |event: &pb::EventRef| EventRef { source: event.source.clone(), id: event.id.clone() };
    let mut events: Vec<EventRef> = events.iter().map(read).collect();
    events.sort_unstable();
    events
}

/// The kind as an enum of the wire, which also numbers it in tables.
pub fn render_kind(kind: IntervalKind) -> pb::IntervalKind {
    match kind {
        IntervalKind::Stage => pb::IntervalKind::Stage,
        IntervalKind::Handoff => pb::IntervalKind::Handoff,
        IntervalKind::Cycle => pb::IntervalKind::Cycle,
    }
}

/// The kind of the wire; none if a newer build sent it.
pub fn read_kind(kind: pb::IntervalKind) -> Option<IntervalKind> {
    IntervalKind::ALL.into_iter().find(|known| render_kind(*known) == kind)
}

/// The state as an enum of the wire, which also numbers it in tables.
pub fn render_state(state: IntervalState) -> pb::IntervalState {
    match state {
        IntervalState::Open => pb::IntervalState::Open,
        IntervalState::Ended => pb::IntervalState::Ended,
        IntervalState::NotObserved => pb::IntervalState::NotObserved,
        IntervalState::Void => pb::IntervalState::Void,
    }
}

fn read_state(state: pb::IntervalState) -> Option<IntervalState> {
    IntervalState::ALL.into_iter().find(|known| render_state(*known) == state)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::{option, prelude::*, sample::select};
    use throughline_process::Bound;

    use super::*;

    fn any_bound() -> impl Strategy<Value = Bound> {
        (0i64..1_000, 0i64..1_000).prop_map(|(a, b)| {
            let at = |second| Timestamp::from_second(1_788_000_000 + second).expect("in range");
            Bound::between(at(a), at(b))
        })
    }

    fn any_interval() -> impl Strategy<Value = Interval> {
        let closed = prop_oneof![
            Just(None),
            Just(Some(ClosedBy::Event("e".to_owned()))),
            Just(Some(ClosedBy::Inferred("i".to_owned()))),
            Just(Some(ClosedBy::DealEnded("d".to_owned()))),
        ];
        let texts =
            (option::of("[a-z]{1,4}"), option::of("[a-z]{1,4}"), option::of("[a-z]{1,4}"), option::of("[a-z]{1,4}"));
        let what = (select(&IntervalKind::ALL), select(&IntervalState::ALL), closed, any::<bool>(), any::<u32>());
        let times = (any_bound(), any_bound(), option::of(any_bound()));
        let founding = proptest::collection::btree_set(("[a-z]{1,3}", "[a-z]{1,3}"), 1..5);
        (texts, what, times, founding).prop_map(|(texts, what, (start, end, cut), founding)| Interval {
            id: "stage.fi.0".to_owned(),
            kind: what.0,
            name: "fi".to_owned(),
            track: texts.0,
            owner_department: "fi".to_owned(),
            offered_by_department: texts.1,
            instance: texts.2,
            round: what.4,
            actor: texts.3,
            start,
            end: (what.1 == IntervalState::Ended || what.3).then_some(end),
            state: what.1,
            closed_by: what.2,
            cut,
            end_observed: what.3,
            founded_by: founding.into_iter().map(|(source, id)| EventRef { source, id }).collect(),
        })
    }

    proptest! {
        #[test]
        fn interval_survives_the_wire(interval in any_interval()) {
            prop_assert_eq!(read_interval(&render_interval(interval.clone())), Ok(interval));
        }
    }

    #[test]
    fn interval_that_ended_must_say_when() {
        let at = Some(render_bound(Bound::exact(Timestamp::UNIX_EPOCH)));
        let wire = pb::Interval {
            id: "handoff.fi.0".to_owned(),
            kind: pb::IntervalKind::Handoff as i32,
            start: at,
            state: pb::IntervalState::Ended as i32,
            ..pb::Interval::default()
        };
        let error = read_interval(&wire).expect_err("no end");
        assert_eq!(error.to_string(), "end of interval handoff.fi.0 is missing or malformed");
    }
}
