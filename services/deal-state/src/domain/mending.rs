//! A live deal beside the one that the event log gives: whether they say the same, and what becomes of the live one.

use throughline_proto::{deal::v1 as pb, log::v1::entry_body::Body};

use super::{
    id::DealId,
    revision::{content, revise},
};
use crate::wire;

/// Whether two deals say the same. Revisions, and how the last change came about, are no content.
pub fn same(one: &pb::Deal, other: &pb::Deal) -> bool {
    content(one.clone()) == content(other.clone())
}

/// What the deal log last said of a deal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSaid {
    pub revision: u64,
    /// That it stands, not that it is no more.
    pub stands: bool,
}

impl LastSaid {
    /// What an entry says; nothing of a deal unless it is about one.
    pub fn read(body: &Body) -> Self {
        match body {
            Body::Deal(deal) => Self { revision: deal.revision, stands: true },
            Body::DealRetraction(retraction) => Self { revision: retraction.revision, stands: false },
            _ => Self::default(),
        }
    }
}

/// What becomes of a live deal.
#[derive(Clone, Debug, PartialEq)]
pub struct Mended {
    pub deal: pb::Deal,
    /// What others are told of it; nothing where they were told the same before.
    pub said: Option<Body>,
}

/// The deal that the event log gives, numbered above whatever was said of it: by the live deal, and `last`. `live` is none
/// if it is not there or cannot be read.
pub fn mend(live: Option<&pb::Deal>, rebuilt: pb::Deal, last: LastSaid) -> Mended {
    if let Some(live) = live.filter(|live| same(live, &rebuilt)) {
        return Mended { deal: live.clone(), said: None };
    }
    let floor = last.revision.max(rebuilt.revision);
    let unnumbered = rebuilt.clone();
    let deal = revise(rebuilt, live, floor).unwrap_or(unnumbered);
    let known = live.map_or(last.stands, |live| live.opened_at.is_some());
    let said = match (deal.opened_at, known) {
        (Some(_), _) => Some(Body::Deal(deal.clone())),
        (None, true) => Some(Body::DealRetraction(pb::DealRetraction {
            name: deal.name.clone(),
            survivor: String::new(),
            revision: deal.revision,
        })),
        (None, false) => None,
    };
    Mended { deal, said }
}

/// What others are told of a live deal that should not be there; `survivor` has its keys. Nothing if they know of none.
pub fn retract(
    (group, rooftop, id): (&str, &str, DealId),
    live: Option<&pb::Deal>,
    survivor: Option<DealId>,
    last: LastSaid,
) -> Option<Body> {
    if !live.map_or(last.stands, |live| live.opened_at.is_some()) {
        return None;
    }
    Some(Body::DealRetraction(pb::DealRetraction {
        name: wire::deal_name(group, rooftop, id),
        survivor: survivor.map(|survivor| wire::deal_name(group, rooftop, survivor)).unwrap_or_default(),
        revision: live.map_or(0, |live| live.revision).max(last.revision) + 1,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::revision::etag;

    fn deal(events: u32, revision: u64) -> pb::Deal {
        let opened_at = (events > 0).then(prost_types::Timestamp::default);
        pb::Deal { event_count: events, revision, etag: etag(revision), opened_at, ..Default::default() }
    }

    fn last(revision: u64, stands: bool) -> LastSaid {
        LastSaid { revision, stands }
    }

    fn revision_of(body: &Body) -> u64 {
        LastSaid::read(body).revision
    }

    #[test]
    fn deals_that_say_the_same_are_left_as_they_are() {
        let mended = mend(Some(&deal(2, 7)), deal(2, 1), last(7, true));
        assert_eq!(mended, Mended { deal: deal(2, 7), said: None });
    }

    #[test]
    fn a_mended_deal_is_numbered_above_both_and_above_what_was_said() {
        for (live, rebuilt, floor, next) in [(7, 1, 7, 8), (2, 9, 2, 10), (2, 3, 30, 31)] {
            let mended = mend(Some(&deal(1, live)), deal(2, rebuilt), last(floor, true));
            assert_eq!((mended.deal.revision, mended.deal.event_count), (next, 2));
            assert_eq!(mended.said.as_ref().map(revision_of), Some(next));
        }
        assert_eq!(mend(None, deal(2, 1), last(5, true)).deal.revision, 6);
    }

    #[test]
    fn what_is_no_deal_is_told_of_only_where_it_was_one() {
        let gone = mend(Some(&deal(1, 4)), deal(0, 1), last(4, true)).said;
        assert!(matches!(gone, Some(Body::DealRetraction(gone)) if gone.revision == 5));
        let mut withdrawn = deal(0, 4);
        withdrawn.pencil_rounds = 1;
        assert_eq!(mend(Some(&withdrawn), deal(0, 1), last(3, true)).said, None);
        assert_eq!(mend(None, deal(0, 1), last(3, false)).said, None);
        assert_eq!(mend(None, deal(0, 1), last(3, true)).said.as_ref().map(revision_of), Some(4));
    }

    #[test]
    fn a_deal_too_many_is_retracted_above_its_revision() {
        let id = DealId::parse("00000000000000000000000000000001").expect("an id");
        let name = ("g", "r", id);
        let said = retract(name, Some(&deal(1, 4)), None, last(4, true)).expect("it was a deal");
        assert_eq!(revision_of(&said), 5);
        assert_eq!(retract(name, Some(&deal(0, 4)), None, last(4, false)), None);
        assert_eq!(retract(name, None, None, LastSaid::default()), None);
    }
}
