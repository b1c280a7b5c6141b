//! A busy Saturday on a fast clock, with sources that fall silent for two hours: no alert claims an idle wait that had in
//! fact ended, one flag on each floor says which source is silent, and once it returns the real waits are flagged.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, routing::post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use throughline_proto::notification::v1::{
    CreateRouteRequest, Route, WebhookChannel, notification_service_client::NotificationServiceClient, route::Channel,
};
use throughline_testkit::eventually;
use tokio::{net::TcpListener, time::MissedTickBehavior};

use crate::suite::{Suite, scratch_suite};

const START: &str = "2026-09-05T16:15:00Z";
const END: &str = "2026-09-05T22:30:00Z";
/// Each source that falls silent, from when to when. RT001 has a customer who is agreed two minutes before, and whom F&I
/// takes before the wait is over target.
const SILENCES: [(&str, &str, &str); 2] = [
    ("RT001", "2026-09-05T17:33:00Z", "2026-09-05T19:33:00Z"),
    ("RT003", "2026-09-05T18:00:00Z", "2026-09-05T20:00:00Z"),
];
const ROOFTOPS: [&str; 2] = ["RT001", "RT003"];
/// How fast the suite's clock runs.
const RATE: f64 = 300.0;
const SOON: Duration = Duration::from_secs(60);
/// Yellow target of the wait for F&I.
const TARGET: SignedDuration = SignedDuration::from_mins(15);

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn time_of(event: &Value) -> Timestamp {
    instant(event["time"].as_str().unwrap())
}

/// An alert as a receiver gets it.
#[derive(Clone, Debug)]
struct Alert {
    rooftop: String,
    deal: String,
    measure: String,
    /// When yellow was crossed.
    opened_at: Timestamp,
    /// When it was decided, by the suite's clock.
    decided_at: Timestamp,
}

async fn receiver() -> (String, Arc<Mutex<Vec<Alert>>>) {
    let alerts: Arc<Mutex<Vec<Alert>>> = Arc::default();
    let keep = alerts.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    let router = Router::new().route(
        "/alerts",
        post(move |body: String| async move {
            let message: Value = serde_json::from_str(&body).unwrap();
            let data = &message["data"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let subject = data["keys"].as_array().into_iter().flatten().map(text);
            keep.lock().unwrap().push(Alert {
                rooftop: text(&data["rooftop"]),
                deal: subject
                    .filter_map(|key| Some(key.strip_prefix("subject:")?.to_owned()))
                    .next()
                    .unwrap_or_default(),
                measure: text(&data["measure"]),
                opened_at: instant(&text(&data["opened_at"])),
                decided_at: instant(&text(&message["timestamp"])),
            });
        }),
    );
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, alerts)
}

/// The events of a simulated Saturday at these rooftops, each with when it is sent: as it happens, or once its source has
/// returned. Repetitions and corrections are left out: they are another test's.
async fn saturday(suite: &Suite) -> Vec<(Timestamp, Value)> {
    let printed = suite.run(&["simulate", "--seed", "7"]).await;
    let mut events: Vec<(Timestamp, Value)> = printed
        .json()
        .into_iter()
        .filter(|event| ROOFTOPS.contains(&event["rooftop"].as_str().unwrap()))
        .filter(|event| time_of(event) < instant(END))
        .map(|event| {
            let at = time_of(&event);
            let silence = SILENCES.iter().find(|(rooftop, from, until)| {
                event["rooftop"] == *rooftop && instant(from) <= at && at < instant(until)
            });
            (silence.map_or(at, |(.., until)| instant(until)), event)
        })
        .collect();
    events.sort_by_key(|(sent, event)| (*sent, time_of(event)));
    events
}

/// When each deal was first agreed, and when F&I first took it.
fn waits(events: &[(Timestamp, Value)]) -> BTreeMap<(String, String), (Timestamp, Option<Timestamp>)> {
    let mut waits = BTreeMap::new();
    let of = |event: &Value| {
        (event["rooftop"].as_str().unwrap().to_owned(), event["subject"].as_str().unwrap_or_default().to_owned())
    };
    for (_, event) in events.iter().filter(|(_, event)| event["type"] == "deal.agreed") {
        let agreed = waits.entry(of(event)).or_insert((time_of(event), None));
        agreed.0 = agreed.0.min(time_of(event));
    }
    for (_, event) in events.iter().filter(|(_, event)| event["type"] == "deal.fi.started") {
        if let Some((_, started)) = waits.get_mut(&of(event)) {
            *started = Some(started.map_or(time_of(event), |known: Timestamp| known.min(time_of(event))));
        }
    }
    waits
}

/// Sends events when the suite's clock says that it is time.
async fn play(suite: &Suite, events: &[(Timestamp, Value)], began: Instant) {
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = 0;
    while sent < events.len() {
        beat.tick().await;
        let now = instant(START) + SignedDuration::from_secs_f64(began.elapsed().as_secs_f64() * RATE);
        let due = events[sent..].iter().take_while(|(at, _)| *at <= now).count().min(200);
        if due > 0 {
            let batch: Vec<&Value> = events[sent..sent + due].iter().map(|(_, event)| event).collect();
            let answer = suite.post_events(&json!(batch), None).await;
            let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
            assert!(results.iter().all(|result| result["outcome"] != "OUTCOME_QUARANTINED"), "{answer}");
            sent += due;
        }
    }
}

#[tokio::test]
async fn silent_source_raises_one_flag_and_no_false_alert() {
    let rate = RATE.to_string();
    let (_scratch, suite) = scratch_suite(&["--clock-start", START, "--clock-rate", &rate]).await;
    let began = Instant::now();
    for rooftop in ROOFTOPS {
        assert!(suite.run(&["rooftop", "add", rooftop, "--zone", "America/New_York"]).await.status.success());
    }
    let (url, alerts) = receiver().await;
    let route = Route { channel: Some(Channel::Webhook(WebhookChannel { url })), ..Route::default() };
    let request =
        CreateRouteRequest { parent: "groups/main".to_owned(), route: Some(route), ..CreateRouteRequest::default() };
    NotificationServiceClient::new(suite.channel().await).create_route(suite.keyed(request)).await.unwrap();

    let events = saturday(&suite).await;
    let waits = waits(&events);
    play(&suite, &events, began).await;

    // Real waits are flagged in the end, those that the silence hid too; no other is.
    let over = |(agreed, started): (Timestamp, Option<Timestamp>)| {
        started
            .is_some_and(|started| started.duration_since(agreed) > TARGET && started < instant("2026-09-05T22:00:00Z"))
    };
    let wanted: BTreeSet<&str> =
        waits.iter().filter(|(_, wait)| over(**wait)).map(|((_, deal), _)| deal.as_str()).collect();
    let flags = eventually(SOON, async || {
        let flags = suite.run(&["flags", "--closed", "--format", "json"]).await.json();
        let of_fi = |flag: &&Value| flag["measure"] == "handoff.fi" && !flag["closed_at"].is_null();
        let found: BTreeSet<String> = flags
            .iter()
            .filter(of_fi)
            .flat_map(|flag| flag["keys"].as_array().unwrap())
            .filter_map(|key| Some(key.as_str()?.strip_prefix("subject:")?.to_owned()))
            .collect();
        let missing: Vec<&&str> = wanted.iter().filter(|deal| !found.contains(**deal)).collect();
        if missing.is_empty() { Ok(flags) } else { Err(format!("not flagged: {missing:?}")) }
    })
    .await;
    assert!(wanted.len() >= 5, "{wanted:?}");

    // One flag a silence, which ended when the source returned.
    for (rooftop, from, until) in SILENCES {
        let silent: Vec<&Value> =
            flags.iter().filter(|flag| flag["kind"] == "feed_silent" && flag["rooftop"] == rooftop).collect();
        let [flag] = silent[..] else { panic!("{rooftop}: {silent:?}") };
        let opened = instant(flag["opened_at"].as_str().unwrap());
        let closed = instant(flag["closed_at"].as_str().unwrap());
        assert!(instant(from) < opened && opened < instant(from) + SignedDuration::from_mins(30), "{flag}");
        assert!(instant(until) <= closed && closed < instant(until) + SignedDuration::from_mins(15), "{flag}");
    }

    // Every alert was true when it was decided: whoever it was about had not been taken by then.
    let alerts = alerts.lock().unwrap().clone();
    let about_fi: Vec<&Alert> = alerts.iter().filter(|alert| alert.measure == "handoff.fi").collect();
    assert!(!about_fi.is_empty());
    for alert in &about_fi {
        let (agreed, started) = waits[&(alert.rooftop.clone(), alert.deal.clone())];
        assert!(started.is_none_or(|started| started > alert.opened_at), "{alert:?}: {agreed} to {started:?}");
    }
    for (rooftop, from, until) in SILENCES {
        let during = |alert: &&&Alert| {
            alert.rooftop == rooftop
                && alert.opened_at > instant(from)
                && (instant(from)..instant(until)).contains(&alert.decided_at)
        };
        let false_ones: Vec<_> = about_fi.iter().filter(during).collect();
        assert_eq!(false_ones.len(), 0, "alerts about what nobody could know: {false_ones:?}");
    }
}
