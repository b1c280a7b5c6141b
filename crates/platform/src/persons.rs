//! Per-person timings are sensitive and off by default: only an administrator's key sees who did something.

use throughline_proto::{deal::v1 as pb, event::v1::Event, log::v1 as log};

use crate::{Principal, principal::Scope};

/// Whether a caller sees staff ids: services and administrators do.
pub fn seen_by(principal: &Principal) -> bool {
    principal.service || principal.require(Scope::Admin).is_ok()
}

/// Blanks the staff ids of a deal.
pub fn hide(deal: &mut pb::Deal) {
    if let Some(holders) = &mut deal.holders {
        hide_holders(holders);
    }
    hide_in_intervals(&mut deal.intervals);
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
    hide_in_intervals(&mut entry.intervals);
}

fn hide_in_intervals(intervals: &mut [pb::Interval]) {
    intervals.iter_mut().for_each(|interval| interval.actor.clear());
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

/// Blanks the staff ids of a log's entry. Who took a flag or resolved a review stays: that is for everybody to see.
pub fn hide_in_log(entry: &mut log::Entry) {
    entry.actor.clear();
    match entry.body.as_mut().and_then(|body| body.body.as_mut()) {
        Some(log::entry_body::Body::Deal(deal)) => hide(deal),
        Some(log::entry_body::Body::Event(event)) => hide_in_event(event),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    /// An entry in which every staff id that a log can carry is `s7`.
    fn entry(body: log::entry_body::Body) -> log::Entry {
        log::Entry { actor: "s7".to_owned(), body: Some(log::EntryBody { body: Some(body) }), ..log::Entry::default() }
    }

    fn holder() -> Option<pb::Holder> {
        Some(pb::Holder { department: "fi".to_owned(), actor: "s7".to_owned(), ..pb::Holder::default() })
    }

    #[test]
    fn nothing_that_a_log_carries_names_a_person() {
        let deal = pb::Deal {
            holders: Some(pb::Holders { customer: holder(), car: holder(), paper: holder() }),
            intervals: vec![pb::Interval { name: "fi".to_owned(), actor: "s7".to_owned(), ..pb::Interval::default() }],
            milestones: vec![pb::Milestone { actor: "s7".to_owned(), ..pb::Milestone::default() }],
            assigned: [("salesperson".to_owned(), "s7".to_owned())].into_iter().collect(),
            ..pb::Deal::default()
        };
        let event = Event { id: "1".to_owned(), actor: "s7".to_owned(), ..Event::default() };
        for body in [log::entry_body::Body::Deal(deal), log::entry_body::Body::Event(event)] {
            let mut entry = entry(body);
            hide_in_log(&mut entry);
            let bytes = entry.encode_to_vec();
            assert!(!bytes.windows(2).any(|window| window == b"s7"), "{entry:?}");
            assert!(entry.body.is_some(), "the rest stays");
        }
    }
}
