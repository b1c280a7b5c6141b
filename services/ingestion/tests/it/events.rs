use throughline_proto::cloudevents::CloudEvent;
use throughline_proto::{
    event::v1::{Origin, TimeQuality},
    ingestion::v1::{AppendEventsRequest, ListFeedsRequest, Outcome},
    log::v1::entry_body::Body,
    tenant::v1::Rooftop,
    time::{from_wire, to_wire},
};

use crate::kit::{Suite, TRACE, all_shown, at, create, event, reason, with, with_data};

#[tokio::test]
async fn each_event_gets_its_own_answer_and_nothing_else_is_disturbed() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let key = suite.key(&admin, &["ingest"], &[], &["//dms.example/*"]).await;
    suite.append(&key, vec![event("known")]).await;
    let answer = suite
        .append(
            &key,
            vec![
                event("new"),
                event("known"),
                with(event("known"), "subject", "D2"),
                event("new"),
                with(event("new"), "subject", "D2"),
                with(event("no-rooftop"), "rooftop", "nowhere"),
                with(with(event("bad"), "time", "yesterday"), "subject", "212-555-0123"),
                CloudEvent { r#type: "Deal Opened".into(), ..event("bad-type") },
                with(event("ahead"), "time", "2026-09-07T12:15:01Z"),
                with(with(event("turned"), "earliest", "2026-09-07T11:00:00Z"), "latest", "2026-09-07T10:00:00Z"),
                CloudEvent { source: "//lender.example".into(), ..event("foreign") },
                with_data(event("chatty"), r#"{"actor":"n-s0","customer":{"name":"CANARY"},"phone":"555-0123"}"#),
                with_data(event("no-data"), "[]"),
                CloudEvent::default(),
            ],
        )
        .await;
    insta::assert_snapshot!(all_shown(&answer.results));
    let ids: Vec<String> = suite.logged_events().await.into_iter().map(|event| event.id).collect();
    assert_eq!(ids, ["known", "new", "chatty"]);
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.quarantine").await, 9);
}

#[tokio::test]
async fn a_key_that_is_held_to_rooftops_can_bring_events_to_no_other() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.rooftop(&admin, "summit", "south").await;
    let key = suite.key(&admin, &["ingest"], &["north"], &[]).await;
    let to = |rooftop: &str| with(event(rooftop), "rooftop", rooftop);
    let answer = suite.append(&key, vec![to("north"), to("south"), to("nowhere")]).await;
    insta::assert_snapshot!(all_shown(&answer.results), @r#"
    north OUTCOME_ACCEPTED
    south OUTCOME_REFUSED
      PermissionDenied throughline ROOFTOP_NOT_ALLOWED: this key may not bring events to that rooftop
      rooftop=south
    nowhere OUTCOME_REFUSED
      PermissionDenied throughline ROOFTOP_NOT_ALLOWED: this key may not bring events to that rooftop
      rooftop=nowhere
    "#);
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.quarantine").await, 0);
}

#[tokio::test]
async fn another_groups_rooftop_is_unknown_and_its_ids_are_free() {
    let suite = Suite::start().await;
    let summit = suite.summit().await;
    let other = suite.group("other").await;
    suite.append(&summit, vec![event("e-1")]).await;
    let answer = suite.append(&other, vec![event("e-1")]).await;
    assert_eq!(answer.results[0].outcome(), Outcome::Quarantined);
    suite.rooftop(&other, "other", "north").await;
    let answer = suite.append(&other, vec![event("e-1")]).await;
    assert_eq!(answer.results[0].outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn an_entry_keeps_the_trace_the_origin_and_for_whom_it_was_written() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let events = vec![event("e-1"), with(event("e-2"), "subject", "")];
    let origin = Origin::Backfill as i32;
    let request = AppendEventsRequest { events, origin, actor: "n-gm".into() };
    suite.events(&admin).append_events(request).await.unwrap();
    let log = suite.log().await;
    let entries = &log[&0];
    assert_eq!(entries.iter().map(|entry| entry.position).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(matches!(entries[0].body, Body::Rooftop(_)));
    assert_eq!(entries[0].entity, "rooftop");
    assert_eq!((entries[1].entity.as_str(), entries[2].entity.as_str()), ("//dms.example/north D1", "store"));
    for entry in &entries[1..] {
        assert_eq!((entry.origin, entry.actor.as_str(), entry.rooftop.as_str()), (origin as i16, "n-gm", "north"));
        assert_eq!(entry.traceparent[3..35], TRACE[3..35]);
    }
}

#[tokio::test]
async fn a_day_is_the_rooftops_own() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let dated = with(with(event("e-1"), "time", "2026-09-06"), "timequality", "date");
    suite.append(&admin, vec![dated]).await;
    let time = suite.logged_events().await[0].time.unwrap();
    assert_eq!(time.quality(), TimeQuality::DateOnly);
    let bound = [time.earliest, time.latest].map(|at| from_wire(&at.unwrap()).unwrap());
    assert_eq!(bound, [at("2026-09-06T04:00:00Z"), at("2026-09-07T03:59:59.999999Z")]);
}

#[tokio::test]
async fn a_vendors_code_means_the_rooftop() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let rooftop = throughline_proto::tenant::v1::Rooftop {
        zone: "UTC".into(),
        vendor_codes: vec!["DLR-77".into()],
        ..Default::default()
    };
    suite.directory(&admin).create_rooftop(crate::kit::create("summit", "south", rooftop)).await.unwrap();
    let by_code = with(event("e-1"), "rooftop", "DLR-77");
    let by_id = with(event("e-1"), "rooftop", "south");
    let outcomes: Vec<Outcome> =
        suite.append(&admin, vec![by_code, by_id]).await.results.iter().map(|result| result.outcome()).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Duplicate]);
}

#[tokio::test]
async fn feeds_say_when_each_source_was_last_heard_of() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![event("e-1"), event("e-2"), event("e-1")]).await;
    let old = with(event("e-3"), "time", "2026-09-01T00:00:00Z");
    suite.append(&admin, vec![old, CloudEvent { source: "crm".into(), ..event("e-1") }]).await;
    let request = |token: &str| ListFeedsRequest {
        parent: "groups/summit".into(),
        page_size: 1,
        page_token: token.into(),
        ..Default::default()
    };
    let first = suite.events(&admin).list_feeds(request("")).await.unwrap().into_inner();
    let feed = &first.feeds[0];
    assert_eq!((feed.rooftop.as_str(), feed.source.as_str()), ("north", "//dms.example/north"));
    assert_eq!((feed.accepted, feed.duplicates), (3, 1));
    assert_eq!(feed.last_occurred_at, Some(to_wire(at("2026-09-07T11:00:00Z"))));
    assert_eq!(feed.last_recorded_at, Some(to_wire(at(crate::kit::NOW))));
    assert_eq!(feed.lag.unwrap().seconds, 6 * 86_400 + 12 * 3_600);
    let second = suite.events(&admin).list_feeds(request(&first.next_page_token)).await.unwrap().into_inner();
    assert_eq!((second.feeds[0].source.as_str(), second.next_page_token.as_str()), ("crm", ""));
}

#[tokio::test]
async fn a_call_that_is_wrong_as_a_whole_is_refused_as_a_whole() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let reader = suite.key(&admin, &["read"], &[], &[]).await;
    let ask = async |token: &str, request: AppendEventsRequest| {
        let status = suite.events(token).append_events(request).await.unwrap_err();
        format!("{:?} {}: {}", status.code(), reason(&status), status.message())
    };
    let one = || AppendEventsRequest { events: vec![event("e-1")], ..Default::default() };
    let answers = [
        ask(&admin, AppendEventsRequest::default()).await,
        ask(&admin, AppendEventsRequest { events: vec![event("e"); 5_001], ..Default::default() }).await,
        ask(&admin, AppendEventsRequest { origin: 9, ..one() }).await,
        ask(&admin, AppendEventsRequest { actor: "Jane Doe".into(), ..one() }).await,
        ask(&reader, one()).await,
        ask("tl_x_y", one()).await,
        ask(&suite.running.cx.platform.options.service_key, one()).await,
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    InvalidArgument INVALID_FIELD: events: is empty: send 1 to 5000 events
    InvalidArgument INVALID_FIELD: events: has 5001 entries: send 1 to 5000
    InvalidArgument INVALID_FIELD: origin: 9 is no origin
    InvalidArgument INVALID_FIELD: actor: is not a staff id: 1 to 64 characters of [A-Za-z0-9._-]
    PermissionDenied METHOD_NOT_ALLOWED: this key lacks the scope "ingest"
    Unauthenticated UNAUTHENTICATED: this key is not known, or was revoked
    PermissionDenied METHOD_NOT_ALLOWED: events belong to the group of a key, and the service key has none: use a key of the group
    "#);
}

#[tokio::test]
async fn what_becomes_of_events_is_counted_without_naming_anyone() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let spoiled = with(event("e-2"), "time", "never");
    let chatty = with_data(event("e-3"), r#"{"a":1,"b":2}"#);
    suite.append(&admin, vec![event("e-1"), event("e-1"), spoiled, chatty]).await;
    let metrics = suite.running.cx.platform.metrics.encode();
    for line in [
        r#"throughline_ingest_events_total{outcome="accepted"} 2"#,
        r#"throughline_ingest_events_total{outcome="duplicate"} 1"#,
        r#"throughline_ingest_events_total{outcome="quarantined"} 1"#,
        r#"throughline_ingest_quarantined_total{reason="INVALID_TIME"} 1"#,
        "throughline_ingest_dropped_fields_total 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in\n{metrics}");
    }
    assert!(!metrics.contains("summit") && !metrics.contains("north"));
}

#[tokio::test]
async fn an_event_is_the_same_whatever_the_directory_knows_of_the_rooftop_that_it_names() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let transferred = || with_data(event("t-1"), r#"{"trade":"T-1","to_rooftop":"S-2"}"#);
    assert_eq!(suite.append(&admin, vec![transferred()]).await.results[0].outcome(), Outcome::Accepted);
    let south = Rooftop { zone: "UTC".into(), vendor_codes: vec!["S-2".into()], ..Rooftop::default() };
    suite.directory(&admin).create_rooftop(create("summit", "south", south)).await.unwrap();
    let of_south = with(with_data(event("t-2"), r#"{"trade":"T-1","to_rooftop":"S-2"}"#), "rooftop", "south");
    let answer = suite.append(&admin, vec![of_south, transferred()]).await;
    let outcomes: Vec<Outcome> = answer.results.iter().map(|result| result.outcome()).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Duplicate]);
    let told: Vec<_> = suite.logged_events().await.into_iter().map(|event| event.data["to_rooftop"].clone()).collect();
    assert_eq!(told, ["S-2", "south"]);
}
