//! Flags stand for exactly as long as they should.

use pb::{
    event::v1::Origin,
    log::v1::entry_body::Body,
    rule::v1::{Flag, GetFlagRequest, ListFlagsRequest, Severity},
};
use throughline_proto as pb;
use tonic::Code;

use crate::kit::*;

fn wire(minute: i64) -> Option<prost_types::Timestamp> {
    Some(pb::time::to_wire(at(minute)))
}

fn instants(flag: &Flag) -> [Option<prost_types::Timestamp>; 3] {
    [flag.opened_at, flag.red_at, flag.closed_at]
}

#[tokio::test]
async fn a_wait_turns_yellow_then_red_at_exact_instants_and_closes() {
    let desk = Desk::open().await;
    let token = desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    assert_eq!(desk.flags(&token).await, []);
    desk.pass(at(14)).await;
    assert_eq!(desk.flags("").await, []);

    desk.pass(at(15)).await;
    let yellow = desk.flags("").await.remove(0);
    assert_eq!(instants(&yellow), [wire(15), None, None]);
    assert_eq!((yellow.severity(), yellow.origin(), yellow.revision), (Severity::Yellow, Origin::Live, 1));
    assert_eq!(yellow.summary, "F&I has not accepted deal RT001-D1 for 15 min (target 15/30)");
    assert_eq!(yellow.keys, ["subject:RT001-D1"]);
    assert_eq!(yellow.causes, []);
    let fact = |name: &str| yellow.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    assert_eq!(fact("offered_at"), Some("2026-09-07T10:00:00Z"));
    assert_eq!((fact("idle_seconds"), fact("department")), (Some("900"), Some("fi")));

    desk.pass(at(35)).await;
    assert_eq!(instants(&desk.flags("").await[0]), [wire(15), wire(30), None]);

    let token = desk.tell(said(deal("D1", 35, vec![fi(0, Some(34))]))).await;
    let closed = desk.flags(&token).await.remove(0);
    assert_eq!(instants(&closed), [wire(15), wire(30), wire(34)]);
    assert_eq!((closed.name.as_str(), closed.revision), (yellow.name.as_str(), 3));

    let log = desk.log().await;
    let revisions: Vec<_> = log.iter().map(|(body, _)| matches!(body, Body::Flag(_))).collect();
    assert_eq!(revisions, [true, true, true]);
    // An alarm so long after the deal's last entry has a trace of its own; nobody samples here, so it has none.
    let traces: Vec<_> = log.iter().map(|(_, trace)| trace.contains(trace_id())).collect();
    assert_eq!(traces, [false, false, true]);

    let metrics = desk.running.cx.platform.metrics.encode();
    for line in [
        "throughline_flags_opened_total{kind=\"handoff_idle\",severity=\"yellow\"} 1",
        "throughline_flags_opened_total{kind=\"handoff_idle\",severity=\"red\"} 1",
        "throughline_flags_closed_total{kind=\"handoff_idle\",severity=\"red\"} 1",
        "throughline_alarms_fired_total 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn a_late_event_retracts_what_never_stood() {
    let desk = Desk::open().await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(20)).await;
    let flag = desk.flags("").await.remove(0);

    let token = desk.tell(said(deal("D1", 20, vec![fi(0, Some(10))]))).await;
    assert_eq!(desk.flags(&token).await, []);
    let gone = desk.client().get_flag(GetFlagRequest { name: flag.name.clone() }).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let (last, _) = desk.log().await.pop().unwrap();
    let Body::FlagRetraction(retraction) = last else { panic!("{last:?}") };
    assert_eq!((retraction.name, retraction.revision), (flag.name, 2));
}

#[tokio::test]
async fn a_deal_taken_back_takes_its_flags_along() {
    let desk = Desk::open().await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(20)).await;
    assert_eq!(desk.flags("").await.len(), 1);
    let token = desk.tell(taken_back("D1")).await;
    assert_eq!(desk.flags(&token).await, []);
}

#[tokio::test]
async fn imported_history_opens_flags_that_say_so() {
    let desk = Desk::open().await;
    let token = desk.tell(said_as(Origin::Backfill, deal("D1", 0, vec![fi(-60, None)]))).await;
    let imported = desk.flags(&token).await.remove(0);
    assert_eq!((imported.origin(), imported.severity()), (Origin::Backfill, Severity::Red));
    desk.tell(said_as(Origin::Backfill, deal("D2", 0, vec![fi(0, None)]))).await;
    desk.pass(at(16)).await;
    assert!(desk.flags("").await.iter().all(|flag| flag.origin() == Origin::Backfill));
}

#[tokio::test]
async fn flag_says_when_history_of_its_deal_was_last_recorded() {
    let desk = Desk::open().await;
    let imported = pb::deal::v1::Deal { history_recorded_at: wire(0), ..deal("D1", 0, vec![fi(-20, None)]) };
    let token = desk.tell(said_as(Origin::Backfill, imported)).await;
    let yellow = desk.flags(&token).await.remove(0);
    assert_eq!((yellow.severity(), yellow.history_recorded_at), (Severity::Yellow, wire(0)));
    assert_eq!(yellow.causes, [], "the queues of the past are not known");
    desk.tell(said_as(Origin::Replay, deal("D2", 0, vec![fi(5, None)]))).await;
    // The red crossing comes after the import: its queue is known, though what opened the flag was imported.
    desk.pass(at(10)).await;
    let red = desk.flags("").await.remove(0);
    assert_eq!((red.severity(), red.history_recorded_at, red.origin()), (Severity::Red, wire(0), Origin::Backfill));
    assert_eq!(red.causes[0].text, "1 other deal waits for F&I");
    assert_eq!(red.red_at, wire(10));
}

#[tokio::test]
async fn a_flag_says_how_many_others_wait_for_the_same_department() {
    let desk = Desk::open().await;
    for id in ["D1", "D2", "D3"] {
        desk.tell(said(deal(id, 0, vec![fi(if id == "D1" { 0 } else { 5 }, None)]))).await;
    }
    desk.pass(at(15)).await;
    let flag = desk.flags("").await.remove(0);
    assert_eq!(
        (flag.causes[0].code.as_str(), flag.causes[0].text.as_str()),
        ("queue_length", "2 other deals wait for F&I")
    );
}

#[tokio::test]
async fn other_targets_of_a_rooftop_are_applied_to_what_stands() {
    let desk = Desk::open().await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(20)).await;
    let strict = desk.flags("").await.remove(0);
    let target = pb::tenant::v1::Target { measure: "handoff.fi".to_owned(), yellow_seconds: 3600, red_seconds: 7200 };
    let name = format!("groups/{GROUP}/rooftops/{ROOFTOP}");
    desk.tell(rooftop_of(GROUP, pb::tenant::v1::Rooftop { name, targets: vec![target], ..Default::default() })).await;
    desk.flags_once(<[Flag]>::is_empty).await;
    desk.pass(at(60)).await;
    let lenient = desk.flags("").await.remove(0);
    assert_eq!(lenient.name, strict.name);
    assert_eq!(lenient.opened_at, wire(60));
    assert_ne!(lenient.rule_set_version, strict.rule_set_version);
}

#[tokio::test]
async fn flags_come_in_pages_newest_first_and_held_to_their_arguments() {
    let desk = Desk::open().await;
    let mut token = String::new();
    for (minute, id) in [(-20, "D1"), (-19, "D2"), (-18, "D3")] {
        token = desk.tell(said(deal(id, 0, vec![fi(minute, None)]))).await;
    }
    let mut request = ListFlagsRequest {
        parent: format!("groups/{GROUP}"),
        page_size: 2,
        at_least: token,
        kind: "handoff_idle".to_owned(),
        ..Default::default()
    };
    let first = desk.client().list_flags(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = desk.client().list_flags(request.clone()).await.unwrap().into_inner();
    let deals: Vec<_> = first.flags.iter().chain(&second.flags).map(|flag| flag.keys[0].as_str()).collect();
    assert_eq!(deals, ["subject:RT001-D3", "subject:RT001-D2", "subject:RT001-D1"]);
    assert_eq!(second.next_page_token, "");

    request.kind = "vehicle_not_ready".to_owned();
    let refused = desk.client().list_flags(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let of_deal = ListFlagsRequest { parent: format!("groups/{GROUP}"), deal: deal_name("D2"), ..Default::default() };
    let flags = desk.client().list_flags(of_deal).await.unwrap().into_inner().flags;
    assert_eq!(flags.iter().map(|flag| flag.keys[0].as_str()).collect::<Vec<_>>(), ["subject:RT001-D2"]);
}
