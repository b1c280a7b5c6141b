//! What people decide about which numbers are of one deal, and deals as they were known.

use throughline_proto::{
    deal::v1 as pb,
    event::v1::{Decision, DecisionKind, Event, Key},
    time::to_wire,
};
use tonic::Code;

use crate::kit::{NORTH, Suite, at, event, says};

pub fn number(kind: &str, value: &str) -> Option<Key> {
    let scope = if kind == "subject" { "crm" } else { "" };
    Some(Key { kind: kind.to_owned(), scope: scope.to_owned(), value: value.to_owned() })
}

/// As ingestion says it.
pub fn decides(
    id: &str,
    kind: DecisionKind,
    (one, other): (Option<Key>, Option<Key>),
    withdrawn: &str,
    minute: i64,
) -> throughline_journal::NewEntry {
    let told = event("identity.decided", "", minute, &[]);
    says(
        NORTH,
        Event {
            id: id.to_owned(),
            source: "//throughline/people".to_owned(),
            data: [("reason".to_owned(), "same customer".to_owned())].into(),
            decision: Some(Decision { kind: kind as i32, one, other, withdrawn: withdrawn.to_owned() }),
            ..told
        },
    )
}

/// Content and nothing else.
fn content(deal: pb::Deal) -> pb::Deal {
    let mut deal = pb::Deal { revision: 0, etag: String::new(), recorded_at: None, origin: 0, ..deal };
    deal.intervals.iter_mut().for_each(|interval| (interval.revision, interval.durations) = (0, None));
    deal
}

#[tokio::test]
async fn a_link_makes_one_deal_and_taking_it_back_makes_two_as_they_were() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.agreed", "S2", 40, &[("dms_deal", "D1")])),
        ])
        .await;
    let visit = suite.deal(NORTH, "visit", "V1", &token).await;
    let dms = suite.deal(NORTH, "dms_deal", "D1", "").await;
    assert_ne!(visit.name, dms.name);

    let pair = (number("visit", "V1"), number("dms_deal", "D1"));
    let token = suite.tell([decides("x1", DecisionKind::Link, pair.clone(), "", 50)]).await;
    let linked = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(linked.name, visit.name);
    assert_eq!(linked.event_count, 2, "a decision is no step of a deal");
    assert_eq!(linked.last_event_at, dms.last_event_at);
    let by_person: Vec<_> = linked.links.iter().filter(|link| link.rule == "person").collect();
    let [link] = by_person.as_slice() else { panic!("{:?}", linked.links) };
    assert_eq!((link.confidence(), link.reason.as_str()), (pb::Confidence::Decided, "same customer"));
    assert_eq!(link.decision, "groups/summit/rooftops/north/decisions/x1");
    assert_eq!([&link.one, &link.other].map(|key| key.clone().unwrap().value), ["V1", "D1"]);
    let request = pb::GetTimelineRequest { name: linked.name.clone(), ..Default::default() };
    let timeline = suite.deals().get_timeline(suite.asks(request)).await.unwrap().into_inner();
    let types: Vec<String> = timeline.items.into_iter().map(|item| item.event.unwrap().r#type).collect();
    assert_eq!(types, ["deal.opened", "deal.agreed", "identity.decided"]);
    let people = "SELECT (SELECT count(*) FROM deal_state.source WHERE source LIKE '//throughline/%') \
                  + (SELECT count(*) FROM deal_state.observed WHERE event_type LIKE 'identity.%')";
    assert_eq!(suite.count(people).await, 0, "people are no feed");

    let token = suite.tell([decides("x2", DecisionKind::Withdrawal, pair, "x1", 60)]).await;
    assert_eq!(content(suite.deal(NORTH, "visit", "V1", &token).await), content(visit));
    assert_eq!(content(suite.deal(NORTH, "dms_deal", "D1", "").await), content(dms));
    assert_eq!(suite.list("", "").await.len(), 2);
}

#[tokio::test]
async fn what_a_person_splits_stays_apart_whatever_events_say() {
    let suite = Suite::start().await;
    // A wrong number, typed once.
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.desk.started", "S1", 9, &[("dms_deal", "D2")])),
            says(NORTH, event("deal.opened", "S2", 2, &[("visit", "V2")])),
            says(NORTH, event("deal.agreed", "S2", 40, &[("dms_deal", "D2")])),
            says(NORTH, event("deal.fi.started", "S2", 60, &[("dms_deal", "D2")])),
        ])
        .await;
    let both = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!(both.event_count, 5);
    assert_eq!(suite.deal(NORTH, "visit", "V2", "").await.name, both.name);

    let pair = (number("visit", "V1"), number("visit", "V2"));
    let token = suite.tell([decides("x1", DecisionKind::Split, pair.clone(), "", 70)]).await;
    let one = suite.deal(NORTH, "visit", "V1", &token).await;
    let other = suite.deal(NORTH, "visit", "V2", "").await;
    assert_eq!((one.event_count, other.event_count), (2, 3));
    assert_eq!(one.name, both.name, "the best key keeps the id");
    assert_eq!(suite.deal(NORTH, "dms_deal", "D2", "").await.name, other.name, "where most events say it");
    assert!(one.exceptions.is_empty() && other.exceptions.is_empty(), "a person has decided: nothing to ask");

    // More of the same changes nothing, and a number that is new goes where it belongs.
    let token = suite
        .tell([
            says(NORTH, event("deal.pencil.presented", "S1", 20, &[("dms_deal", "D2"), ("application", "A1")])),
            says(NORTH, event("deal.contract.signed", "S2", 95, &[("dms_deal", "D2")])),
        ])
        .await;
    assert_eq!(suite.deal(NORTH, "application", "A1", &token).await.name, one.name);
    assert_eq!(suite.deal(NORTH, "dms_deal", "D2", "").await.event_count, 4);

    let token = suite.tell([decides("x2", DecisionKind::Withdrawal, pair, "x1", 99)]).await;
    let again = suite.deal(NORTH, "visit", "V2", &token).await;
    assert_eq!((again.name.as_str(), again.event_count), (both.name.as_str(), 7));
    assert_eq!(suite.list("", "").await.len(), 1);
}

#[tokio::test]
async fn doubt_shows_the_candidates_and_a_link_settles_it() {
    let suite = Suite::start().await;
    let sale = ("sale", "K1/2026d250");
    let token = suite
        .tell([
            says(NORTH, event("deal.agreed", "V1", 0, &[("visit", "V1"), sale])),
            says(NORTH, event("deal.agreed", "V2", 8, &[("visit", "V2"), sale])),
            says(NORTH, event("deal.agreed", "D1", 5, &[("dms_deal", "D1"), sale])),
        ])
        .await;
    let deal = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    let [exception] = deal.exceptions.as_slice() else { panic!("{:?}", deal.exceptions) };
    let candidates: Vec<(String, String)> =
        exception.candidates.iter().map(|found| (found.deal.clone(), found.key.clone().unwrap().value)).collect();
    let (one, other) = (suite.deal(NORTH, "visit", "V1", "").await, suite.deal(NORTH, "visit", "V2", "").await);
    assert_eq!(candidates, [(one.name.clone(), "V1".to_owned()), (other.name.clone(), "V2".to_owned())]);

    let pair = (number("dms_deal", "D1"), number("visit", "V2"));
    let token = suite.tell([decides("x1", DecisionKind::Link, pair, "", 50)]).await;
    let settled = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(settled.name, other.name);
    assert!(settled.exceptions.is_empty() && suite.deal(NORTH, "visit", "V1", "").await.exceptions.is_empty());
    let rules: Vec<&str> = settled.links.iter().map(|link| link.rule.as_str()).collect();
    assert!(rules.contains(&"person") && rules.contains(&"same_sale"), "{rules:?}");
}

#[tokio::test]
async fn a_deal_is_shown_as_it_was_known() {
    let suite = Suite::start().await;
    suite.hand.set(at(10));
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.agreed", "S2", 5, &[("dms_deal", "D1")])),
        ])
        .await;
    let visit = suite.deal(NORTH, "visit", "V1", &token).await;
    let dms = suite.deal(NORTH, "dms_deal", "D1", "").await;
    suite.hand.set(at(30));
    let token = suite
        .tell([
            says(NORTH, event("deal.desk.started", "S1", 3, &[("dms_deal", "D1")])),
            says(NORTH, event("deal.fi.started", "S2", 25, &[])),
        ])
        .await;
    let now = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!(now.event_count, 4);

    let known = |name: &str, minute: i64| pb::GetDealRequest {
        name: name.to_owned(),
        known_at: Some(to_wire(at(minute))),
        ..Default::default()
    };
    assert_eq!(content(suite.get(known(&now.name, 30)).await.unwrap()), content(now.clone()));
    assert_eq!(content(suite.get(known(&now.name, 29)).await.unwrap()), content(visit));
    assert_eq!(content(suite.get(known(&dms.name, 10)).await.unwrap()), content(dms.clone()), "under a former id");
    let by_key = pb::GetDealRequest {
        name: "groups/summit/rooftops/north/deals/-".to_owned(),
        key: Some(pb::DealKey { kind: "dms_deal".to_owned(), value: "D1".to_owned(), ..Default::default() }),
        ..known("", 10)
    };
    assert_eq!(content(suite.get(by_key).await.unwrap()), content(dms), "by a number that another deal has now");
    let pending = |deal: &pb::Deal| {
        deal.intervals.iter().find(|i| i.kind() == pb::IntervalKind::Handoff && i.name == "fi").map(|i| i.state())
    };
    assert_eq!(pending(&now), Some(pb::IntervalState::Ended));
    let before = suite.get(known(&now.name, 9)).await.unwrap_err();
    assert_eq!(before.code(), Code::NotFound);
    assert_eq!(suite.get(known(&now.name, 31)).await.unwrap_err().code(), Code::InvalidArgument);
}
