//! Alerts are about now, whichever way events come in: end to end, over the real processes.
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::post};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use throughline_platform::signature::{Secret, sign};
use throughline_proto::{
    ingestion::v1::{
        AppendEventsRequest, Outcome, ReplayQuarantinedRequest, ingestion_service_client::IngestionServiceClient,
    },
    notification::v1::{
        CreateRouteRequest, ListDeliveriesRequest, Route, WebhookChannel,
        notification_service_client::NotificationServiceClient, route::Channel,
    },
};
use throughline_testkit::eventually;
use tokio::net::TcpListener;

use crate::{
    events::cloud_event,
    suite::{Suite, http, scratch_suite},
};

/// When the suite's clock starts.
const NOW: &str = "2026-09-05T15:00:00Z";
pub const SOON: Duration = Duration::from_secs(60);

/// Numbers of the deals that somebody was alerted of, as often as they were.
pub type Alerted = Arc<Mutex<Vec<String>>>;

/// A webhook receiver.
pub async fn receiver() -> (SocketAddr, Alerted) {
    let alerted = Alerted::default();
    let keep = alerted.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route(
        "/alerts",
        post(move |body: String| async move {
            let message: Value = serde_json::from_str(&body).unwrap_or_default();
            keep.lock().unwrap().push(message["data"]["keys"][0].as_str().unwrap_or("?").to_owned());
        }),
    );
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, alerted)
}

pub fn minutes_ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

pub fn event_of(rooftop: &str, event_type: &str, subject: &str, at: Timestamp) -> Value {
    json!({"specversion": "1.0", "id": format!("{event_type}/{subject}"), "source": format!("//dms.example/{rooftop}"),
           "type": event_type, "rooftop": rooftop, "subject": subject, "time": at.to_string(),
           "data": {"actor": "A1-fi0", "role": "fi_manager"}})
}

/// A contract signed while the car is not ready, which raises a flag at once.
pub fn signed(subject: &str, minutes: i64) -> Value {
    event_of("A1", "deal.contract.signed", subject, minutes_ago(minutes))
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A suite with a route to the receiver, and a rooftop of which some source reports that cars are ready.
pub async fn suite_with_route(flags: &[&str], address: SocketAddr) -> (throughline_testkit::Scratch, Suite) {
    let (scratch, suite) = scratch_suite(&[&["--clock-start", NOW], flags].concat()).await;
    add_rooftop(&suite, "A1").await;
    let url = format!("http://{address}/alerts");
    let route = Route { channel: Some(Channel::Webhook(WebhookChannel { url })), ..Route::default() };
    let request =
        CreateRouteRequest { parent: "groups/main".to_owned(), route: Some(route), ..CreateRouteRequest::default() };
    let client = NotificationServiceClient::new(suite.channel().await).create_route(suite.keyed(request)).await;
    client.unwrap();
    (scratch, suite)
}

async fn add_rooftop(suite: &Suite, rooftop: &str) {
    assert!(suite.run(&["rooftop", "add", rooftop, "--zone", "UTC"]).await.status.success());
    let ready = event_of(rooftop, "deal.vehicle.ready", "READY", minutes_ago(600));
    let answer = suite.post_events(&json!([ready]), None).await;
    assert_eq!(answer["results"][0]["outcome"], "OUTCOME_ACCEPTED", "{answer}");
}

async fn have(alerted: &Alerted, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|subject| format!("subject:{subject}")).collect();
    eventually(SOON, async || {
        let alerted: BTreeSet<String> = alerted.lock().unwrap().iter().cloned().collect();
        if alerted == wanted { Ok(()) } else { Err(format!("alerted of {alerted:?}, not of {wanted:?}")) }
    })
    .await;
}

async fn deliveries(suite: &Suite) -> usize {
    let request = ListDeliveriesRequest { parent: "groups/main".to_owned(), ..ListDeliveriesRequest::default() };
    let client = NotificationServiceClient::new(suite.channel().await).list_deliveries(suite.keyed(request)).await;
    client.unwrap().into_inner().deliveries.len()
}

async fn append(suite: &Suite, event: &Value) {
    let request = AppendEventsRequest { events: vec![cloud_event(event)], ..AppendEventsRequest::default() };
    let answer = IngestionServiceClient::new(suite.channel().await).append_events(suite.keyed(request)).await;
    assert_eq!(answer.unwrap().into_inner().results[0].outcome(), Outcome::Accepted);
}

async fn push(suite: &Suite, event: &Value) {
    let add =
        ["hook", "add", "--profile", "canonical", "--rooftop", "A1", "--source", "//dms.example/*", "--format", "json"];
    let hook = suite.run(&add).await.line();
    let secret = hook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let secret = Secret::new(BASE64_STANDARD.decode(secret).unwrap());
    let (body, now) = (event.to_string(), minutes_ago(0).as_second());
    let answer = http()
        .post(format!("http://{}{}", suite.http, hook["path"].as_str().unwrap()))
        .header("webhook-id", "1")
        .header("webhook-timestamp", now)
        .header("webhook-signature", sign(&secret, "1", now, body.as_bytes()))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 202, "{:?}", answer.text().await);
}

/// Imports lines, through the profile of canonical events if `profiled`.
async fn import(suite: &Suite, name: &str, events: &[Value], flags: &[&str]) {
    let path = suite.data.join(name);
    std::fs::write(&path, lines(events)).unwrap();
    let arguments = [&["import"], flags, &[path.to_str().unwrap()]].concat();
    let imported = suite.run(&arguments).await;
    assert_eq!(imported.line()["accepted"], events.len(), "{imported:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_alerts_of_what_happens_now_and_imports_of_history_of_nothing() {
    let (address, alerted) = receiver().await;
    let folder = throughline_testkit::Scratch::new();
    let place = folder.path().join("main/A1/canonical");
    std::fs::create_dir_all(&place).unwrap();
    let flags = ["--drop-folder", folder.path().to_str().unwrap()];
    let (_scratch, suite) = suite_with_route(&flags, address).await;

    // A year of history, up to this minute: a flag for each day and none that anybody is alerted of.
    let year: Vec<Value> = (0..365).map(|day| signed(&format!("Y{day}"), day * 24 * 60)).collect();
    import(&suite, "year.jsonl", &year, &[]).await;
    import(&suite, "day.jsonl", &[signed("PAST", 1)], &["--profile", "canonical", "--rooftop", "A1"]).await;
    suite.state_hash().await;

    let quarantined = event_of("A2", "deal.contract.signed", "RELEASED", minutes_ago(5));
    let answer = suite.post_events(&json!([quarantined]), None).await;
    assert_eq!(answer["results"][0]["outcome"], "OUTCOME_QUARANTINED", "{answer}");

    append(&suite, &signed("GRPC", 0)).await;
    // OLD turned red 130 minutes ago: its red crossing lies too far back as well.
    let answer = suite.post_events(&json!([signed("HTTP", 0), signed("OLD", 160)]), None).await;
    assert_eq!(answer["results"][1]["outcome"], "OUTCOME_ACCEPTED", "{answer}");
    push(&suite, &signed("HOOK", 10)).await;
    import(&suite, "live.jsonl", &[signed("LIVE", 20)], &["--live"]).await;
    import(&suite, "live-2.jsonl", &[signed("LIVE-2", 12)], &["--live", "--profile", "canonical", "--rooftop", "A1"])
        .await;
    let mut dropped: Vec<Value> = (1..365).map(|day| signed(&format!("F{day}"), day * 24 * 60)).collect();
    dropped.push(signed("FILE", 40));
    std::fs::write(place.join("year.part"), lines(&dropped)).unwrap();
    std::fs::rename(place.join("year.part"), place.join("year.jsonl")).unwrap();

    add_rooftop(&suite, "A2").await;
    let request = ReplayQuarantinedRequest { parent: "groups/main".to_owned(), ..ReplayQuarantinedRequest::default() };
    let released = IngestionServiceClient::new(suite.channel().await).replay_quarantined(suite.keyed(request)).await;
    assert_eq!(released.unwrap().into_inner().accepted, 1);

    let live = ["GRPC", "HTTP", "HOOK", "LIVE", "LIVE-2", "FILE", "RELEASED"];
    have(&alerted, &live).await;
    // All of it came to flags. The last event of the rooftop is alerted of behind whatever came before.
    suite.state_hash().await;
    append(&suite, &signed("LAST", 0)).await;
    have(&alerted, &[&live[..], &["LAST"]].concat()).await;
    let alerts = alerted.lock().unwrap().len();
    assert_eq!((alerts, deliveries(&suite).await), (8, 8));
    let flags = suite.run(&["flags", "--format", "json"]).await;
    let flagged = |subject: &str| flags.stdout.contains(&format!("\"subject:{subject}\""));
    assert!(["Y0", "Y364", "PAST", "OLD", "F364", "LAST"].into_iter().all(flagged), "{flags:?}");
    assert!(suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn event_released_from_quarantine_silences_no_live_deal() {
    let (address, alerted) = receiver().await;
    let (scratch, suite) = suite_with_route(&[], address).await;
    // A deal can only wait for F&I where some source reports that F&I begins.
    let observed = event_of("A1", "deal.fi.started", "OTHER", minutes_ago(600));
    let early = event_of("A1", "deal.credit.submitted", "D1", minutes_ago(-30));
    let answer = suite.post_events(&json!([observed, early]), None).await;
    assert_eq!(answer["results"][1]["outcome"], "OUTCOME_QUARANTINED", "its time lies ahead: {answer}");
    assert!(suite.stop().await.success());

    // Its time has come, and it is the last event that changes the deal before an alarm of it rings.
    let suite =
        Suite::start(scratch.path(), &["--clock-start", &minutes_ago(-31).to_string(), "--clock-rate", "60"]).await;
    let agreed = event_of("A1", "deal.agreed", "D1", minutes_ago(-31));
    let answer = suite.post_events(&json!([agreed]), None).await;
    assert_eq!(answer["results"][0]["outcome"], "OUTCOME_ACCEPTED", "{answer}");
    let request = ReplayQuarantinedRequest { parent: "groups/main".to_owned(), ..ReplayQuarantinedRequest::default() };
    let released = IngestionServiceClient::new(suite.channel().await).replay_quarantined(suite.keyed(request)).await;
    assert_eq!(released.unwrap().into_inner().accepted, 1);
    have(&alerted, &["D1"]).await;
    assert!(suite.stop().await.success());
}
