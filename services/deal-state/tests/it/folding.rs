//! Events become deals, and the deal log says how each stands.

use pb::log::v1::entry_body::Body;
use throughline_proto as pb;

use crate::kit::{NORTH, Suite, event, says};

#[tokio::test]
async fn events_of_one_subject_become_one_deal_and_it_is_said() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1"), ("stock", "K9")])),
            says(NORTH, event("deal.agreed", "S1", 30, &[("dms_deal", "D100")])),
            says(NORTH, event("deal.opened", "S2", 5, &[])),
        ])
        .await;
    let deal = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!(deal.state(), pb::deal::v1::DealState::Agreed);
    assert_eq!((deal.event_count, deal.revision, deal.etag.as_str()), (2, 1, "\"1\""));
    assert_eq!(deal.former_ids.len(), 2);
    let kinds: Vec<&str> = deal.keys.iter().map(|key| key.kind.as_str()).collect();
    assert_eq!(kinds, ["visit", "dms_deal", "subject", "stock"]);
    for (kind, value) in [("dms_deal", "D100"), ("stock", "K9"), ("subject", "S1"), ("", "K9")] {
        assert_eq!(suite.deal(NORTH, kind, value, "").await.name, deal.name, "by {kind} {value}");
    }

    let said = suite.said(NORTH.part).await;
    let deals: Vec<&str> = said
        .iter()
        .filter_map(|(_, body)| match body {
            Body::Deal(deal) => Some(deal.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(deals.len(), 2, "one entry a deal and batch: {deals:?}");
    assert!(said.iter().any(|(_, body)| matches!(body, Body::Rooftop(_))), "rooftops are passed on");
}

#[tokio::test]
async fn a_repetition_changes_nothing_and_is_not_said() {
    let suite = Suite::start().await;
    let opened = event("deal.opened", "S1", 0, &[]);
    let token = suite.tell([says(NORTH, opened.clone())]).await;
    let first = suite.deal(NORTH, "subject", "S1", &token).await;
    let entries = suite.said(NORTH.part).await.len();
    let token = suite.tell([says(NORTH, opened.clone()), says(NORTH, opened)]).await;
    assert_eq!(suite.deal(NORTH, "subject", "S1", &token).await, first);
    assert_eq!(suite.said(NORTH.part).await.len(), entries);
}

#[tokio::test]
async fn what_did_not_change_keeps_its_revision() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[])),
            says(NORTH, event("deal.writeup.submitted", "S1", 20, &[])),
            says(NORTH, event("deal.desk.started", "S1", 25, &[])),
        ])
        .await;
    let first = suite.deal(NORTH, "subject", "S1", &token).await;
    assert!(first.intervals.iter().all(|interval| interval.revision == 1));
    let token = suite.tell([says(NORTH, event("deal.agreed", "S1", 60, &[]))]).await;
    let second = suite.deal(NORTH, "subject", "S1", &token).await;
    assert_eq!(second.revision, 2);
    let revision = |name: &str| {
        second
            .intervals
            .iter()
            .find(|i| i.kind() == pb::deal::v1::IntervalKind::Handoff && i.name == name)
            .map(|i| i.revision)
    };
    assert_eq!(revision("desk"), Some(1), "{:#?}", second.intervals);
    assert_eq!(revision("fi"), Some(2), "{:#?}", second.intervals);
}

#[tokio::test]
async fn events_of_no_deal_are_passed_on() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("staff.on_shift", "", 0, &[]))]).await;
    suite.hash(&token).await;
    let said = suite.said(NORTH.part).await;
    let passed: Vec<_> = said.iter().filter(|(_, body)| matches!(body, Body::Event(_))).collect();
    assert_eq!(passed.len(), 1);
    assert_eq!(passed[0].0, "store");
    assert_eq!(suite.hash("").await.deals, 0);
}

#[tokio::test]
async fn a_deal_of_which_everything_is_withdrawn_is_no_deal() {
    let suite = Suite::start().await;
    let opened = event("deal.opened", "S1", 0, &[]);
    let token = suite.tell([says(NORTH, opened.clone())]).await;
    let before = suite.deal(NORTH, "subject", "S1", &token).await;
    let withdrawal = pb::event::v1::Event { withdraws: opened.id, ..event("deal.opened", "S1", 1, &[]) };
    let token = suite.tell([says(NORTH, withdrawal.clone())]).await;
    assert_eq!(suite.hash(&token).await.deals, 0);
    assert!(suite.list("", "").await.is_empty());
    match &suite.said(NORTH.part).await.last().unwrap().1 {
        Body::DealRetraction(retraction) => {
            assert_eq!((retraction.name.as_str(), retraction.survivor.as_str()), (before.name.as_str(), ""));
            assert_eq!(retraction.revision, 2);
        }
        other => panic!("{other:?}"),
    }
    // What undoes the undoing brings it back, and it counts on.
    let undone = pb::event::v1::Event { withdraws: withdrawal.id, ..event("deal.opened", "S1", 2, &[]) };
    let token = suite.tell([says(NORTH, undone)]).await;
    let back = suite.deal(NORTH, "subject", "S1", &token).await;
    assert_eq!((back.name, back.revision), (before.name, 3));
}

#[tokio::test]
async fn a_vin_whose_check_digit_does_not_fit_is_taken_and_asked_about() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.agreed", "S1", 0, &[("vin", "1M8GDM9AXKP042788")])),
            says(NORTH, event("deal.agreed", "S2", 0, &[("vin", "1M8GDM9A1KP042788")])),
        ])
        .await;
    assert!(suite.deal(NORTH, "vin", "1M8GDM9AXKP042788", &token).await.exceptions.is_empty());
    let odd = suite.deal(NORTH, "vin", "1M8GDM9A1KP042788", "").await;
    let [exception] = odd.exceptions.as_slice() else { panic!("{:?}", odd.exceptions) };
    assert_eq!((exception.kind.as_str(), exception.id.as_str()), ("wrong_vin", "wrong_vin/1M8GDM9A1KP042788"));
    assert!(exception.detail.contains("would be X"), "{}", exception.detail);
}
