//! What was folded before something changed for the whole rooftop is folded anew.

use throughline_process::Definition;
use throughline_proto::deal::v1::{Interval, IntervalKind, IntervalState};
use throughline_testkit::eventually;

use crate::kit::{NORTH, SOON, Suite, event, rooftop_with, says};

#[tokio::test]
async fn a_handoff_is_idle_once_some_source_reports_its_acceptance() {
    let suite = Suite::start().await;
    let token = suite
        .tell([says(NORTH, event("deal.opened", "S1", 0, &[])), says(NORTH, event("deal.agreed", "S1", 10, &[]))])
        .await;
    let fi = |interval: &&Interval| interval.kind() == IntervalKind::Handoff && interval.name == "fi";
    let state = |intervals: &[Interval]| intervals.iter().find(fi).map(Interval::state);
    let before = suite.deal(NORTH, "subject", "S1", &token).await;
    assert_eq!(state(&before.intervals), Some(IntervalState::NotObserved));
    let hash = suite.hash("").await;

    // Another deal brings the first acceptance that this rooftop ever sent.
    suite.tell([says(NORTH, event("deal.fi.started", "S2", 12, &[]))]).await;
    let after = eventually(SOON, async || {
        let deal = suite.deal(NORTH, "subject", "S1", "").await;
        if state(&deal.intervals) == Some(IntervalState::Open) {
            Ok(deal)
        } else {
            Err(format!("{:?}", deal.intervals))
        }
    })
    .await;
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(after.state_hash, before.state_hash, "its content is what its own events say");
    assert_eq!(after.recorded_at, before.recorded_at);
    assert_ne!(suite.hash("").await, hash, "S2 is new");
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0).await;
}

#[tokio::test]
async fn a_new_definition_folds_every_deal_anew() {
    let suite = Suite::start().await;
    let entries = (0..120).map(|nth| says(NORTH, event("deal.opened", &format!("S{nth}"), nth, &[])));
    let token = suite.tell(entries).await;
    let before = suite.deal(NORTH, "subject", "S7", &token).await;
    let mut document = Definition::retail_deal().document().clone();
    document.version += 1;
    let next = Definition::from_document(document).unwrap();
    suite.tell([rooftop_with(NORTH, &next.to_json())]).await;
    eventually(SOON, async || {
        let (deals, version) = (suite.list("", "").await, next.version());
        let done = deals.iter().filter(|deal| deal.definition_version == version).count();
        if done == deals.len() { Ok(()) } else { Err(format!("{done} of {}", deals.len())) }
    })
    .await;
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0).await;
    let after = suite.deal(NORTH, "subject", "S7", "").await;
    assert_eq!((after.name, after.revision), (before.name, before.revision + 1));
}
