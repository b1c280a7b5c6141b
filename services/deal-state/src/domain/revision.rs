//! Revisions: which intervals of a deal changed, compared with its last entry in the log.

use std::collections::BTreeMap;

use throughline_proto::deal::v1 as pb;

/// Numbers a deal that was folded anew: intervals that are as before keep their revision, the others get the deal's.
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
    number(&mut next.intervals, &before.intervals, revision);
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
    deal.intervals.iter_mut().for_each(|interval| interval.revision = 0);
    deal
}

fn number(intervals: &mut [pb::Interval], before: &[pb::Interval], revision: u64) {
    let before: BTreeMap<&str, &pb::Interval> =
        before.iter().map(|interval| (interval.id.as_str(), interval)).collect();
    for interval in intervals {
        let same = before.get(interval.id.as_str()).and_then(|before| {
            interval.revision = before.revision;
            (*interval == **before).then_some(before.revision)
        });
        interval.revision = same.unwrap_or(revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(id: &str, name: &str) -> pb::Interval {
        pb::Interval { id: id.to_owned(), name: name.to_owned(), ..Default::default() }
    }

    fn deal(events: u32, intervals: Vec<pb::Interval>) -> pb::Deal {
        pb::Deal { event_count: events, intervals, ..Default::default() }
    }

    #[test]
    fn what_is_as_before_keeps_its_revision() {
        let first = revise(deal(1, vec![stage("a", "desk"), stage("b", "fi")]), None, 0).expect("new");
        assert_eq!(first.revision, 1);
        let second = revise(deal(2, vec![stage("a", "desk"), stage("b", "box"), stage("c", "x")]), Some(&first), 0)
            .expect("changed");
        let revisions: Vec<u64> = second.intervals.iter().map(|interval| interval.revision).collect();
        assert_eq!((second.revision, revisions), (2, vec![1, 2, 2]));
        assert_eq!(second.etag, "\"2\"");
    }

    #[test]
    fn the_same_content_is_no_revision() {
        let mut first = revise(deal(1, vec![stage("a", "desk")]), None, 4).expect("new");
        assert_eq!(first.revision, 5);
        first.origin = 1;
        assert_eq!(revise(deal(1, vec![stage("a", "desk")]), Some(&first), 0), None);
    }

    #[test]
    fn a_survivor_counts_on_from_the_highest() {
        let before = revise(deal(1, vec![]), None, 0).expect("new");
        assert_eq!(revise(deal(2, vec![]), Some(&before), 9).expect("changed").revision, 10);
    }
}
