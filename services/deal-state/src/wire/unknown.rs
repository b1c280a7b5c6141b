//! Which open intervals may have ended unseen, because every source that reports their end is silent.

use jiff::Timestamp;
use throughline_process::{Absence, Definition, Evidence};
use throughline_proto::{deal::v1 as pb, time::to_wire};
use throughline_wire::read_kind;

/// Says of each open interval whose end only silent sources report that its state is unknown, and since when. Neither
/// stored nor in the log: it changes with time alone.
pub fn mark_unknown(intervals: &mut [pb::Interval], definition: &Definition, evidence: &Evidence, now: Timestamp) {
    for interval in intervals {
        if interval.state() != pb::IntervalState::Open || interval.cut.is_some() {
            continue;
        }
        let of = read_kind(interval.kind()).and_then(|kind| definition.interval(kind, &interval.name));
        if let Some(Absence::Unknown { since, .. }) = of.map(|of| evidence.of_absence(&of.end, now)) {
            interval.state = pb::IntervalState::Unknown as i32;
            interval.unknown_since = Some(to_wire(since));
        }
    }
}
