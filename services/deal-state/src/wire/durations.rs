//! How long things lasted, put into what is answered. Neither stored nor told in the log: calendars change, deals do not.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{Bound, Calendars, Schedule};
use throughline_proto::{deal::v1 as pb, event::v1::TimeBound, time::duration_to_wire};

use super::event::bound;

/// Times what a deal holds: to its end, or to now while it stands.
pub fn time_deal(deal: &mut pb::Deal, schedule: &Schedule, now: Timestamp) {
    time_spans(&mut deal.spans, schedule, now);
    time_handoffs(&mut deal.handoffs, schedule, now);
    for cycle in &mut deal.cycles {
        let blind = cycle.end_unobserved && cycle.ended.is_none();
        cycle.durations = of(schedule.rooftop(), cycle.started.as_ref(), cycle.ended.as_ref(), now).filter(|_| !blind);
    }
}

/// Times what stands of a deal on a board.
pub fn time_entry(entry: &mut pb::BoardEntry, schedule: &Schedule, now: Timestamp) {
    time_spans(&mut entry.open_spans, schedule, now);
    time_handoffs(&mut entry.pending_handoffs, schedule, now);
}

/// The age of what no source reports the end of says nothing.
fn time_spans(spans: &mut [pb::Span], schedule: &Schedule, now: Timestamp) {
    for span in spans {
        let blind = span.leaving_unobserved && span.left.is_none();
        let calendars = schedule.of(&span.department);
        span.durations = of(calendars, span.entered.as_ref(), span.left.as_ref(), now).filter(|_| !blind);
    }
}

fn time_handoffs(handoffs: &mut [pb::Handoff], schedule: &Schedule, now: Timestamp) {
    for handoff in handoffs {
        let blind = handoff.state() == pb::HandoffState::NotObserved;
        let calendars = schedule.of(&handoff.to_department);
        handoff.durations = of(calendars, handoff.offered.as_ref(), handoff.ended.as_ref(), now).filter(|_| !blind);
    }
}

fn of(
    calendars: &Calendars,
    start: Option<&TimeBound>,
    end: Option<&TimeBound>,
    now: Timestamp,
) -> Option<pb::Durations> {
    let start = bound(start?)?;
    let end = match end {
        Some(end) => bound(end)?,
        None => Bound::exact(now),
    };
    let durations = calendars.durations(&start, &end);
    Some(pb::Durations {
        least_wall: Some(render(durations.wall.0)),
        most_wall: Some(render(durations.wall.1)),
        least_open: Some(render(durations.open.0)),
        most_open: Some(render(durations.open.1)),
    })
}

/// Never negative.
fn render(duration: SignedDuration) -> prost_types::Duration {
    duration_to_wire(duration.try_into().unwrap_or_default())
}
