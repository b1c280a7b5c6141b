//! What stands on a live board.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{Deal, Observed, deal::DealState};
use throughline_proto::{deal::v1 as pb, time::from_wire};

const SIGNED: &str = "deal.contract.signed";
const READY: &str = "deal.vehicle.ready";

/// A deal of which nothing was heard for so long leaves the board; lists still have it.
pub const QUIET: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Somebody still works on it.
pub fn is_open(state: pb::DealState) -> bool {
    matches!(state, pb::DealState::InProgress | pb::DealState::Agreed | pb::DealState::Delivered)
}

/// The contract is signed and nobody said that the car is ready, though some source of the rooftop does say so.
pub fn vehicle_not_ready(deal: &Deal, observed: &Observed) -> bool {
    let happened = |event_type| deal.milestones.contains_key(event_type);
    matches!(deal.state, DealState::InProgress | DealState::Agreed)
        && happened(SIGNED)
        && !happened(READY)
        && observed.contains(READY)
}

/// Something of the deal waits for a step that no source of the rooftop has ever reported, so that the deal may read
/// otherwise once one does.
pub fn is_blind(deal: &Deal, observed: &Observed) -> bool {
    let holders = [&deal.holders.customer, &deal.holders.car, &deal.holders.paper];
    deal.intervals.iter().any(|interval| !interval.end_observed)
        || holders.into_iter().flatten().any(|holder| holder.presumed)
        || (deal.milestones.contains_key(SIGNED) && !deal.milestones.contains_key(READY) && !observed.contains(READY))
}

/// Since when a deal must have been heard of to stand on the board.
pub fn heard_since(now: Timestamp) -> Timestamp {
    now.checked_sub(QUIET).unwrap_or(Timestamp::MIN)
}

/// Whether a deal stands on the board now.
pub fn shows(deal: &pb::Deal, now: Timestamp) -> bool {
    let heard = deal.last_event_at.as_ref().and_then(from_wire);
    is_open(deal.state()) && heard.is_some_and(|heard| heard >= heard_since(now))
}

/// A deal as it stands on the board.
pub fn entry(deal: &pb::Deal) -> pb::BoardEntry {
    pb::BoardEntry {
        deal: deal.name.clone(),
        keys: deal.keys.clone(),
        state: deal.state,
        holders: deal.holders.clone(),
        intervals: deal.intervals.iter().filter(|interval| stands(interval)).cloned().collect(),
        last_event_at: deal.last_event_at,
        revision: deal.revision,
        vehicle_not_ready: deal.vehicle_not_ready,
        opened_at: deal.opened_at,
    }
}

/// An open stage, or a handoff that is offered and not accepted.
fn stands(interval: &pb::Interval) -> bool {
    match interval.kind() {
        pb::IntervalKind::Stage => interval.end.is_none(),
        pb::IntervalKind::Handoff => interval.state() == pb::IntervalState::Open,
        pb::IntervalKind::Cycle | pb::IntervalKind::Unspecified => false,
    }
}
