//! How long intervals lasted, added to what is answered. Neither stored nor in the log: calendars change, deals do not.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{Bound, Calendars, Schedule};
use throughline_proto::{
    deal::v1 as pb,
    time::{duration_to_wire, from_wire},
};
use throughline_wire::{optional_bound, read_bound};

/// Times each interval to its end, or to now while it is open. The age of one whose end no source reports says nothing.
pub fn time_intervals(intervals: &mut [pb::Interval], schedule: &Schedule, now: Timestamp) {
    for interval in intervals {
        let calendars = match interval.kind() {
            pb::IntervalKind::Cycle => schedule.rooftop(),
            _ => schedule.of(&interval.owner_department),
        };
        interval.durations = match interval.state() {
            pb::IntervalState::NotObserved => None,
            _ => durations(interval, calendars, now),
        };
    }
}

fn durations(interval: &pb::Interval, calendars: &Calendars, now: Timestamp) -> Option<pb::Durations> {
    let start = read_bound(interval.start.as_ref(), &interval.id).ok()?;
    let end = match interval.unknown_since.as_ref().and_then(from_wire) {
        // It lasted until its source fell silent, or longer.
        Some(since) => Bound::between(since.max(start.earliest).min(now), now),
        None => optional_bound(interval.end.as_ref(), &interval.id).ok()?.unwrap_or(Bound::exact(now)),
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
