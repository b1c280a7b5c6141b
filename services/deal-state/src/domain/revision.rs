//! Revisions: which parts of a deal changed, compared with what was last said of it.

use std::collections::BTreeMap;

use throughline_proto::deal::v1 as pb;

/// Numbers a deal that was folded anew: parts that are as before keep their revision, the others get that of the deal.
/// `None` if nothing of its content changed. `floor` is the highest revision of any deal that it takes over.
pub fn revise(mut next: pb::Deal, before: Option<&pb::Deal>, floor: u64) -> Option<pb::Deal> {
    let last = before.map_or(0, |deal| deal.revision);
    if before.is_some_and(|before| content(before.clone()) == content(next.clone())) {
        return None;
    }
    let revision = last.max(floor) + 1;
    next.revision = revision;
    next.etag = etag(revision);
    let no_deal = pb::Deal::default();
    let before = before.unwrap_or(&no_deal);
    number(&mut next.spans, &before.spans, revision);
    number(&mut next.handoffs, &before.handoffs, revision);
    number(&mut next.cycles, &before.cycles, revision);
    Some(next)
}

/// The quoted tag of a revision.
pub fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// The deal without its numbering and without how the last change came about.
pub fn content(mut deal: pb::Deal) -> pb::Deal {
    deal.revision = 0;
    deal.etag.clear();
    deal.recorded_at = None;
    deal.origin = 0;
    reset(&mut deal.spans);
    reset(&mut deal.handoffs);
    reset(&mut deal.cycles);
    deal
}

/// A part of a deal with a stable id and a revision of its own.
trait Part: Clone + PartialEq {
    fn id(&self) -> &str;
    fn revision(&mut self) -> &mut u64;
}

macro_rules! part {
    ($($part:ty),+) => {$(
        impl Part for $part {
            fn id(&self) -> &str {
                &self.id
            }
            fn revision(&mut self) -> &mut u64 {
                &mut self.revision
            }
        }
    )+};
}
part!(pb::Span, pb::Handoff, pb::Cycle);

fn reset(parts: &mut [impl Part]) {
    for part in parts {
        *part.revision() = 0;
    }
}

fn number<P: Part>(parts: &mut [P], before: &[P], revision: u64) {
    let before: BTreeMap<&str, &P> = before.iter().map(|part| (part.id(), part)).collect();
    for part in parts {
        let same = before.get(part.id()).and_then(|before| {
            let mut before = (*before).clone();
            *part.revision() = *before.revision();
            (*part == before).then(|| *before.revision())
        });
        *part.revision() = same.unwrap_or(revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, stage: &str) -> pb::Span {
        pb::Span { id: id.to_owned(), stage: stage.to_owned(), ..Default::default() }
    }

    fn deal(events: u32, spans: Vec<pb::Span>) -> pb::Deal {
        pb::Deal { event_count: events, spans, ..Default::default() }
    }

    #[test]
    fn what_is_as_before_keeps_its_revision() {
        let first = revise(deal(1, vec![span("a", "desk"), span("b", "fi")]), None, 0).expect("new");
        assert_eq!(first.revision, 1);
        let second = revise(deal(2, vec![span("a", "desk"), span("b", "box"), span("c", "x")]), Some(&first), 0)
            .expect("changed");
        let revisions: Vec<u64> = second.spans.iter().map(|span| span.revision).collect();
        assert_eq!((second.revision, revisions), (2, vec![1, 2, 2]));
        assert_eq!(second.etag, "\"2\"");
    }

    #[test]
    fn the_same_content_is_no_revision() {
        let mut first = revise(deal(1, vec![span("a", "desk")]), None, 4).expect("new");
        assert_eq!(first.revision, 5);
        first.origin = 1;
        assert_eq!(revise(deal(1, vec![span("a", "desk")]), Some(&first), 0), None);
    }

    #[test]
    fn a_survivor_counts_on_from_the_highest() {
        let before = revise(deal(1, vec![]), None, 0).expect("new");
        assert_eq!(revise(deal(2, vec![]), Some(&before), 9).expect("changed").revision, 10);
    }
}
