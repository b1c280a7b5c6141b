//! One hash over the content of a deal: equal states, equal hash, in whatever order and however often events came.

use crate::{
    deal::{Deal, Holder},
    event::Bound,
    interval::ClosedBy,
};

/// Hash of a deal's content: neither revisions, positions nor recording times, which it does not hold, nor what depends
/// on which steps other deals' sources report (whether a missing step is idle or not observed, who is presumed to hold
/// something): deals folded before and after a source first reported a step are of equal content.
pub fn state_hash(deal: &Deal) -> [u8; 32] {
    let mut to = Canonical::default();
    to.text(&deal.definition_version);
    to.text(deal.state.as_str());
    to.option(deal.opened_at.as_ref(), Canonical::bound);
    to.option_text(deal.kind.as_deref());
    to.list(&deal.keys, |to, key| {
        to.text(key.kind.as_str());
        to.text(&key.scope);
        to.text(&key.value);
    });
    to.list(&deal.intervals, |to, interval| {
        to.text(&interval.id);
        to.option_text(interval.instance.as_deref());
        to.text(&interval.owner_department);
        to.option_text(interval.offered_by_department.as_deref());
        to.option_text(interval.actor.as_deref());
        to.bound(&interval.start);
        to.end(interval.end.as_ref(), interval.closed_by.as_ref());
        to.option(interval.cut.as_ref(), Canonical::bound);
        to.list(&interval.founded_by, |to, event| {
            to.text(&event.source);
            to.text(&event.id);
        });
    });
    for holder in [&deal.holders.customer, &deal.holders.car, &deal.holders.paper] {
        to.option(holder.as_ref().filter(|holder| !holder.presumed), Canonical::holder);
    }
    to.list(&deal.assigned, |to, (role, actor)| {
        to.text(role);
        to.text(actor);
    });
    to.list(&deal.milestones, |to, (event_type, occurrence)| {
        to.text(event_type);
        to.bound(&occurrence.first);
        to.bound(&occurrence.last);
        to.number(u64::from(occurrence.count));
        to.option_text(occurrence.actor.as_deref());
    });
    to.number(u64::from(deal.rework));
    to.number(u64::from(deal.rounds));
    to.option_text(deal.lost_reason.as_deref());
    to.number(u64::from(deal.event_count));
    to.list(&deal.unknown_types, |to, (event_type, count)| {
        to.text(event_type);
        to.number(u64::from(*count));
    });
    to.list(&deal.exceptions, |to, exception| {
        to.text(&exception.id);
        to.text(&exception.detail);
        to.option(exception.at.as_ref(), Canonical::bound);
    });
    to.option(deal.last_event_at.as_ref(), Canonical::bound);
    // Deals without any are hashed as before there were such.
    if !deal.relations.is_empty() {
        to.list(&deal.relations, |to, relation| {
            to.text(relation.relates.as_str());
            to.option_text(relation.trade.as_deref());
            to.option_text(relation.rooftop.as_deref());
            to.bound(&relation.at);
        });
    }
    *blake3::hash(&to.bytes).as_bytes()
}

/// One hash over many deals (id and state hash), in whatever order they are given.
pub fn combined_hash<'a>(deals: impl IntoIterator<Item = (&'a str, [u8; 32])>) -> [u8; 32] {
    let mut deals: Vec<_> = deals.into_iter().collect();
    deals.sort_unstable();
    let mut to = Canonical::default();
    to.list(&deals, |to, (id, hash)| {
        to.text(id);
        to.bytes.extend_from_slice(hash);
    });
    *blake3::hash(&to.bytes).as_bytes()
}

/// Bytes that two values share only if they are equal: lengths before contents, a tag before what may be missing.
#[derive(Default)]
struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn option_text(&mut self, text: Option<&str>) {
        self.option(text, Self::text);
    }

    fn list<L>(&mut self, list: L, mut write: impl FnMut(&mut Self, L::Item))
    where
        L: IntoIterator<IntoIter: ExactSizeIterator>,
    {
        let items = list.into_iter();
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    fn bound(&mut self, bound: &Bound) {
        for instant in [bound.earliest, bound.latest] {
            self.bytes.extend_from_slice(&instant.as_nanosecond().to_le_bytes());
        }
        self.bytes.push(bound.quality as u8);
    }

    fn end(&mut self, end: Option<&Bound>, closed_by: Option<&ClosedBy>) {
        self.option(end, Self::bound);
        self.option(closed_by, |to, closed_by| {
            let (tag, event_type) = match closed_by {
                ClosedBy::Event(event_type) => (0, event_type),
                ClosedBy::Inferred(event_type) => (1, event_type),
                ClosedBy::DealEnded(event_type) => (2, event_type),
            };
            to.bytes.push(tag);
            to.text(event_type);
        });
    }

    fn holder(&mut self, holder: &Holder) {
        self.text(&holder.department);
        self.option_text(holder.role.as_deref());
        self.option_text(holder.actor.as_deref());
        self.bound(&holder.since);
    }
}
