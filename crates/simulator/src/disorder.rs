//! How events travel: most at once, some late, some twice.

use jiff::Timestamp;

use crate::Simulated;
use crate::draw::Draw;
use crate::event::CloudEvent;
use crate::plan::Plan;
use crate::week::{minutes, timestamp};

/// One rooftop's events as they would arrive, not yet in order of arrival.
pub(crate) fn send(plan: &Plan, rooftop: &str, events: Vec<CloudEvent>) -> Vec<Simulated> {
    let mut draw = Draw::stream(plan.seed, rooftop, "disorder", 0, 0);
    let disorder = &plan.disorder;
    let most = f64::from(disorder.max_late_minutes);
    let later = |at: Timestamp, by: f64| timestamp(at.as_millisecond() + minutes(by));
    let mut sent = Vec::with_capacity(events.len());
    for event in events {
        // all four are drawn for every event, so that one share does not move the other's luck
        let (late, repeated) = (draw.chance(disorder.late_share), draw.chance(disorder.repeat_share));
        let (late_by, again_after) = (draw.between(most.min(1.0), most), draw.between(0.0, most));
        let arrives_at = if late { later(event.time, late_by) } else { event.time };
        if repeated {
            sent.push(Simulated { event: event.clone(), arrives_at: later(arrives_at, again_after) });
        }
        sent.push(Simulated { event, arrives_at });
    }
    sent
}
