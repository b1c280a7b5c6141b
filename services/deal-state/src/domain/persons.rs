//! Per-person timings are sensitive and off by default: only an administrator's key sees who did something.

use throughline_proto::{deal::v1 as pb, event::v1::Event};

/// Blanks the staff ids of a deal.
pub fn hide(deal: &mut pb::Deal) {
    if let Some(holders) = &mut deal.holders {
        hide_holders(holders);
    }
    for span in &mut deal.spans {
        span.actor.clear();
    }
    for milestone in &mut deal.milestones {
        milestone.actor.clear();
    }
    deal.assigned.clear();
}

/// Blanks the staff ids of what stands on a board.
pub fn hide_in_entry(entry: &mut pb::BoardEntry) {
    if let Some(holders) = &mut entry.holders {
        hide_holders(holders);
    }
    for span in &mut entry.open_spans {
        span.actor.clear();
    }
}

/// Blanks the staff ids of an event.
pub fn hide_in_event(event: &mut Event) {
    event.actor.clear();
}

fn hide_holders(holders: &mut pb::Holders) {
    for holder in [&mut holders.customer, &mut holders.car, &mut holders.paper].into_iter().flatten() {
        holder.actor.clear();
    }
}
