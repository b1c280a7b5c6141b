//! When history of a deal was last recorded: of the set of its events alone, whatever brings them together.

use throughline_journal::NewEntry;
use throughline_proto::{deal::v1 as pb, event::v1::Origin, time::from_wire};

use crate::kit::{NORTH, SOUTH, Suite, at, event, says};

fn imported(entry: NewEntry) -> NewEntry {
    NewEntry { origin: Origin::Backfill, ..entry }
}

fn history(deal: &pb::Deal) -> Option<jiff::Timestamp> {
    deal.history_recorded_at.as_ref().and_then(from_wire)
}

#[tokio::test]
async fn deal_says_when_history_of_it_was_last_recorded_and_nothing_else_counts_as_such() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")]))]).await;
    let live = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!((history(&live), live.origin()), (None, Origin::Live));

    suite.hand.set(at(10));
    let released = NewEntry { origin: Origin::Replay, ..says(NORTH, event("deal.desk.started", "S1", 5, &[])) };
    let token = suite.tell([released]).await;
    let released = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!(
        (history(&released), released.origin()),
        (None, Origin::Replay),
        "released from quarantine is no history"
    );

    for minute in [20, 30] {
        suite.hand.set(at(minute));
        suite.tell([imported(says(NORTH, event("deal.credit.submitted", "S1", minute - 100, &[])))]).await;
    }
    suite.hand.set(at(40));
    let token = suite.tell([says(NORTH, event("deal.agreed", "S1", 40, &[]))]).await;
    let deal = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!((history(&deal), deal.origin()), (Some(at(30)), Origin::Live));
}

#[tokio::test]
async fn state_hash_says_nothing_of_how_events_came() {
    let suite = Suite::start().await;
    let opened = event("deal.opened", "S1", 0, &[("visit", "V1")]);
    suite.tell([says(NORTH, opened.clone())]).await;
    let token = suite.tell([imported(says(SOUTH, opened))]).await;
    let (live, past) = (suite.deal(NORTH, "visit", "V1", &token).await, suite.deal(SOUTH, "visit", "V1", "").await);
    assert_eq!((history(&live), history(&past)), (None, Some(at(0))));
    assert_eq!(live.state_hash, past.state_hash);
}

#[tokio::test]
async fn deals_that_merge_keep_the_last_time_of_all() {
    let suite = Suite::start().await;
    suite.hand.set(at(1));
    suite.tell([imported(says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])))]).await;
    suite.hand.set(at(2));
    let token = suite.tell([imported(says(NORTH, event("deal.agreed", "D", 40, &[("dms_deal", "D100")])))]).await;
    assert_eq!(history(&suite.deal(NORTH, "visit", "V1", &token).await), Some(at(1)));
    suite.hand.set(at(3));
    let token = suite.tell([says(NORTH, event("deal.desk.started", "S1", 30, &[("dms_deal", "D100")]))]).await;
    let joined = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!((history(&joined), joined.event_count), (Some(at(2)), 3));
}
