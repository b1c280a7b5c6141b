//! Input, however broken: each refusal has its code, names its field and is counted, and a good event right after it is
//! taken as if nothing had been.
use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use throughline_proto::{
    deal::v1::{DealKey, GetDealRequest, GetTimelineRequest, ListDealsRequest, deal_service_client::DealServiceClient},
    ingestion::v1::{
        AppendEventsRequest, AppendEventsResponse, EventResult, ListQuarantinedRequest, Outcome,
        ingestion_service_client::IngestionServiceClient,
    },
    tenant::v1::{ApiKey, CreateApiKeyRequest, GetRooftopRequest, directory_service_client::DirectoryServiceClient},
};
use throughline_testkit::{Scratch, connect};
use tonic::{Code, Status, transport::Channel};
use tonic_types::{ErrorDetails, RpcStatusExt as _, StatusExt as _};

use crate::{
    events::{cloud_event, event},
    raw,
    suite::{Suite, add_rooftop, http, keyed},
};

const NOON: &str = "2026-09-05T12:00:00Z";
const APPEND: &str = "throughline.ingestion.v1.IngestionService/AppendEvents";

/// A suite with one rooftop, and how its edge is spoken to.
struct Edge {
    suite: Suite,
    channel: Channel,
    key: String,
    good: u32,
    // Dropped last: the suite's servers stand in it.
    _scratch: Scratch,
}

impl Edge {
    async fn start() -> Self {
        let scratch = Scratch::new();
        let suite = Suite::start(scratch.path(), &[]).await;
        let (channel, key) = (suite.channel().await, suite.key());
        add_rooftop(channel.clone(), &key, "A1").await;
        Self { suite, channel, key, good: 0, _scratch: scratch }
    }

    async fn append_as(&self, key: &str, sent: &[Value]) -> Result<AppendEventsResponse, Status> {
        let request = AppendEventsRequest { events: sent.iter().map(cloud_event).collect(), ..Default::default() };
        let answer = IngestionServiceClient::new(self.channel.clone()).append_events(keyed(key, request)).await?;
        Ok(answer.into_inner())
    }

    /// The result of a single event.
    async fn result_as(&self, key: &str, sent: Value) -> EventResult {
        let mut answer = self.append_as(key, &[sent]).await.unwrap();
        assert_eq!(answer.results.len(), 1);
        answer.results.remove(0)
    }

    /// Nothing was disturbed: the next event is accepted.
    async fn assert_well(&mut self) {
        self.good += 1;
        let sent = event("A1", &format!("good-{}", self.good), "deal.opened", &format!("G-{}", self.good), NOON);
        let result = self.result_as(&self.key, sent).await;
        assert_eq!((result.outcome(), &result.status), (Outcome::Accepted, &None));
    }

    /// A key of the group `main`.
    async fn new_key(&self, scopes: &[&str], rooftops: &[&str], sources: &[&str]) -> String {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let api_key = ApiKey {
            display_name: "a vendor".to_owned(),
            scopes: owned(scopes),
            rooftops: owned(rooftops),
            sources: owned(sources),
            ..ApiKey::default()
        };
        let request =
            CreateApiKeyRequest { parent: "groups/main".to_owned(), api_key: Some(api_key), actor: String::new() };
        let made = DirectoryServiceClient::new(self.channel.clone()).create_api_key(keyed(&self.key, request)).await;
        made.unwrap().into_inner().secret
    }

    async fn outcomes(&self, outcome: &str) -> f64 {
        self.suite.metric("throughline_ingest_events_total", &[&format!("outcome=\"{outcome}\"")]).await
    }

    async fn quarantined_for(&self, reason: &str) -> f64 {
        self.suite.metric("throughline_ingest_quarantined_total", &[&format!("reason=\"{reason}\"")]).await
    }

    /// Calls of a method that ended with a code.
    async fn calls(&self, method: &str, code: &str) -> f64 {
        let labels = [format!("rpc_method=\"{method}\""), format!("rpc_response_status_code=\"{code}\"")];
        self.suite.metric("rpc_server_call_duration_seconds_count", &[&labels[0], &labels[1]]).await
    }
}

fn reason(details: &ErrorDetails) -> &str {
    let info = details.error_info().expect("every refusal says why");
    assert_eq!(info.domain, "throughline");
    &info.reason
}

fn fields(details: &ErrorDetails) -> Vec<&str> {
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    violations.iter().map(|violation| violation.field.as_str()).collect()
}

/// Asserts that a call was refused with this code and reason.
fn assert_refused(status: &Status, code: Code, why: &str) {
    assert_eq!((status.code(), reason(&status.get_error_details())), (code, why), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_taken_is_kept_apart_and_says_why() {
    let mut edge = Edge::start().await;
    let key = edge.key.clone();
    let text = |event: &mut Value, name: &str, value: &str| event[name] = value.into();

    let stranger = event("Z9", "1", "deal.opened", "D-1", NOON);
    let mut timeless = event("A1", "2", "deal.opened", "D-2", NOON);
    text(&mut timeless, "time", "yesterday at noon");
    let mut reversed = event("A1", "3", "deal.opened", "D-3", NOON);
    text(&mut reversed, "timequality", "bounded");
    text(&mut reversed, "earliest", "2026-09-05T13:00:00Z");
    text(&mut reversed, "latest", "2026-09-05T11:00:00Z");
    let early = event("A1", "4", "deal.opened", "D-4", "2099-01-01T00:00:00Z");
    let mut formless = event("A1", "5", "", "D-5", NOON);
    text(&mut formless, "time", "");
    for (sent, why, named) in [
        (stranger, "UNKNOWN_ROOFTOP", vec!["events[0].rooftop"]),
        (timeless, "INVALID_TIME", vec!["events[0].time"]),
        (reversed, "INVALID_TIME", vec!["events[0].latest"]),
        (early, "TIME_IN_FUTURE", vec!["events[0].time"]),
        (formless, "INVALID_FIELD", vec!["events[0].type", "events[0].time"]),
    ] {
        let (before, before_why) = (edge.outcomes("quarantined").await, edge.quarantined_for(why).await);
        let result = edge.result_as(&key, sent).await;
        assert_eq!(result.outcome(), Outcome::Quarantined, "{result:?}");
        let details = result.status.as_ref().unwrap().get_error_details();
        assert_eq!((reason(&details), fields(&details)), (why, named), "{result:?}");
        assert_eq!(edge.outcomes("quarantined").await, before + 1.0, "{why} is counted");
        assert_eq!(edge.quarantined_for(why).await, before_why + 1.0, "{why} is counted by its reason");
        edge.assert_well().await;
    }

    // One bad event spoils no batch, and its field is named within it.
    let batch = [
        event("A1", "6", "deal.opened", "D-6", NOON),
        event("A1", "7", "deal.opened", "D-7", "noon"),
        event("A1", "8", "deal.opened", "D-8", NOON),
    ];
    let answer = edge.append_as(&key, &batch).await.unwrap();
    let outcomes: Vec<Outcome> = answer.results.iter().map(EventResult::outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Quarantined, Outcome::Accepted]);
    let details = answer.results[1].status.as_ref().unwrap().get_error_details();
    assert_eq!(fields(&details), ["events[1].time"]);

    // All of it can be looked at, and taken up again once its rooftop is there.
    let request = ListQuarantinedRequest { parent: "groups/main".to_owned(), ..Default::default() };
    let kept = IngestionServiceClient::new(edge.channel.clone()).list_quarantined(keyed(&key, request)).await;
    let kept = kept.unwrap().into_inner().quarantined;
    assert_eq!(kept.len(), 6, "{kept:?}");
    add_rooftop(edge.channel.clone(), &key, "Z9").await;
    let request = throughline_proto::ingestion::v1::ReplayQuarantinedRequest {
        parent: "groups/main".to_owned(),
        ..Default::default()
    };
    let replayed = IngestionServiceClient::new(edge.channel.clone()).replay_quarantined(keyed(&key, request)).await;
    let replayed = replayed.unwrap().into_inner();
    assert_eq!((replayed.accepted, replayed.quarantined), (1, 5), "{replayed:?}");
    assert!(edge.suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_nobody_knows_is_kept_counted_and_shown() {
    let mut edge = Edge::start().await;
    let key = edge.key.clone();
    let accepted = edge.outcomes("accepted").await;
    let sent = [
        event("A1", "1", "deal.opened", "D-1", NOON),
        event("A1", "2", "deal.horoscope.read", "D-1", "2026-09-05T12:30:00Z"),
    ];
    let answer = edge.append_as(&key, &sent).await.unwrap();
    assert!(answer.results.iter().all(|result| result.outcome() == Outcome::Accepted), "{:?}", answer.results);
    assert_eq!(edge.outcomes("accepted").await, accepted + 2.0);

    let mut deals = DealServiceClient::new(edge.channel.clone());
    let request = GetDealRequest {
        name: "groups/main/rooftops/A1/deals/-".to_owned(),
        key: Some(DealKey { value: "D-1".to_owned(), ..DealKey::default() }),
        at_least: answer.consistency_token,
        known_at: None,
    };
    let deal = deals.get_deal(keyed(&key, request)).await.unwrap().into_inner();
    assert_eq!(deal.event_count, 2);
    assert_eq!(deal.unknown_types.iter().collect::<Vec<_>>(), [(&"deal.horoscope.read".to_owned(), &1)]);
    let request = GetTimelineRequest { name: deal.name, ..Default::default() };
    let timeline = deals.get_timeline(keyed(&key, request)).await.unwrap().into_inner();
    let types: Vec<String> = timeline.items.into_iter().map(|item| item.event.unwrap().r#type).collect();
    assert_eq!(types, ["deal.opened", "deal.horoscope.read"]);
    edge.assert_well().await;
    assert!(edge.suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_the_senders_fault() {
    let mut edge = Edge::start().await;
    let key = edge.key.clone();
    // Field 1 of a request, `events`, as a varint; an event whose `id` is no UTF-8; an event that ends too early.
    for bytes in [vec![0x08, 0x01], vec![0x0a, 0x03, 0x0a, 0x01, 0xff], vec![0x0a, 0x7f, 0x0a]] {
        let before = edge.calls(APPEND, "INVALID_ARGUMENT").await;
        let status = raw::append(edge.channel.clone(), &key, bytes.clone()).await;
        assert_refused(&status, Code::InvalidArgument, "MALFORMED_MESSAGE");
        assert_eq!(edge.calls(APPEND, "INVALID_ARGUMENT").await, before + 1.0, "{bytes:02x?} is counted");
        edge.assert_well().await;
    }

    let mut huge = event("A1", "1", "deal.opened", "D-1", NOON);
    huge["data"]["reason"] = "x".repeat(5 << 20).into();
    let before = edge.calls(APPEND, "RESOURCE_EXHAUSTED").await;
    let status = edge.append_as(&key, &[huge.clone()]).await.unwrap_err();
    assert_refused(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    assert_eq!(edge.calls(APPEND, "RESOURCE_EXHAUSTED").await, before + 1.0);
    edge.assert_well().await;

    for (sent, named) in [(Vec::new(), "is empty"), (vec![event("A1", "1", "deal.opened", "D-1", NOON); 5_001], "5001")]
    {
        let status = edge.append_as(&key, &sent).await.unwrap_err();
        assert_refused(&status, Code::InvalidArgument, "INVALID_FIELD");
        let details = status.get_error_details();
        assert_eq!(fields(&details), ["events"]);
        assert!(details.bad_request().unwrap().field_violations[0].description.contains(named), "{details:?}");
        edge.assert_well().await;
    }

    // A deadline that has passed says so, and what it cut off may be sent again.
    let late = event("A1", "late", "deal.opened", "D-late", NOON);
    let before = edge.calls(APPEND, "DEADLINE_EXCEEDED").await;
    let request = AppendEventsRequest { events: vec![cloud_event(&late)], ..Default::default() };
    let status = raw::append_within(&edge.suite.grpc, &key, "1n", &request).await;
    assert_refused(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert_eq!(edge.calls(APPEND, "DEADLINE_EXCEEDED").await, before + 1.0);
    let again = edge.result_as(&key, late).await;
    assert!(matches!(again.outcome(), Outcome::Accepted | Outcome::Duplicate), "{again:?}");
    edge.assert_well().await;
    assert!(edge.suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_beyond_his_key() {
    let mut edge = Edge::start().await;
    add_rooftop(edge.channel.clone(), &edge.key, "B2").await;

    // No credentials, and some that are none.
    let before = edge.calls(APPEND, "UNAUTHENTICATED").await;
    let mut ingestion = IngestionServiceClient::new(edge.channel.clone());
    let nobody = ingestion.append_events(AppendEventsRequest::default()).await.unwrap_err();
    assert_refused(&nobody, Code::Unauthenticated, "UNAUTHENTICATED");
    let forged = format!("{}x", edge.key);
    for wrong in ["", "secret", "tl_0000000000000000_AAAA", forged.as_str()] {
        let status = edge.append_as(wrong, &[event("A1", "1", "deal.opened", "D-1", NOON)]).await.unwrap_err();
        assert_refused(&status, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    assert_eq!(edge.calls(APPEND, "UNAUTHENTICATED").await, before + 5.0);
    edge.assert_well().await;

    // A vendor is held to its sources, its rooftops and its methods.
    let vendor = edge.new_key(&["ingest"], &["A1"], &["//dms.example/*"]).await;
    let mut foreign = event("A1", "2", "deal.opened", "D-2", NOON);
    foreign["source"] = "//crm.example/A1".into();
    let elsewhere = event("B2", "3", "deal.opened", "D-3", NOON);
    for (sent, why) in [(foreign, "SOURCE_NOT_ALLOWED"), (elsewhere, "ROOFTOP_NOT_ALLOWED")] {
        let before = edge.outcomes("refused").await;
        let result = edge.result_as(&vendor, sent).await;
        assert_eq!(result.outcome(), Outcome::Refused, "{result:?}");
        let status = result.status.unwrap();
        assert_eq!(status.code, Code::PermissionDenied as i32);
        assert_eq!(reason(&status.get_error_details()), why);
        assert_eq!(edge.outcomes("refused").await, before + 1.0);
        edge.assert_well().await;
    }
    let own = edge.result_as(&vendor, event("A1", "4", "deal.opened", "D-4", NOON)).await;
    assert_eq!(own.outcome(), Outcome::Accepted, "{own:?}");
    let request = ListDealsRequest { parent: "groups/main".to_owned(), ..Default::default() };
    let status = DealServiceClient::new(edge.channel.clone()).list_deals(keyed(&vendor, request)).await.unwrap_err();
    assert_refused(&status, Code::PermissionDenied, "METHOD_NOT_ALLOWED");
    let reader = edge.new_key(&["read"], &[], &[]).await;
    let status = edge.append_as(&reader, &[event("A1", "5", "deal.opened", "D-5", NOON)]).await.unwrap_err();
    assert_refused(&status, Code::PermissionDenied, "METHOD_NOT_ALLOWED");

    // Another group: its administrator is a stranger here, whether what he names exists or not.
    let other = edge.administrator_of("other").await;
    for rooftop in ["A1", "Z9"] {
        let name = format!("groups/main/rooftops/{rooftop}");
        let mut directory = DirectoryServiceClient::new(edge.channel.clone());
        let status = directory.get_rooftop(keyed(&other, GetRooftopRequest { name: name.clone() })).await.unwrap_err();
        assert_refused(&status, Code::PermissionDenied, "ROOFTOP_NOT_ALLOWED");
        let request = ListDealsRequest { parent: name, ..Default::default() };
        let mut deals = DealServiceClient::new(edge.channel.clone());
        let status = deals.list_deals(keyed(&other, request)).await.unwrap_err();
        assert_refused(&status, Code::PermissionDenied, "ROOFTOP_NOT_ALLOWED");
    }
    // In his own group our rooftop is unknown, and what he sends there stays there.
    let result = edge.result_as(&other, event("A1", "6", "deal.opened", "D-6", NOON)).await;
    assert_eq!(result.outcome(), Outcome::Quarantined, "{result:?}");
    assert_eq!(reason(&result.status.unwrap().get_error_details()), "UNKNOWN_ROOFTOP");
    let request = ListQuarantinedRequest { parent: "groups/main".to_owned(), ..Default::default() };
    let ours = ingestion.list_quarantined(keyed(&edge.key, request)).await.unwrap().into_inner().quarantined;
    assert!(ours.is_empty(), "{ours:?}");
    edge.assert_well().await;
    assert!(edge.suite.stop().await.success());
}

impl Edge {
    /// Makes another group behind the services' back, with an administrator's key.
    async fn administrator_of(&self, group: &str) -> String {
        let key = throughline_platform::auth::NewKey::generate();
        let mut db = connect(&self.suite.postgres_url()).await;
        sqlx::query("INSERT INTO directory.dealer_group (group_id, display_name, created_at) VALUES ($1, $1, now())")
            .bind(group)
            .execute(&mut db)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO directory.api_key (key_id, group_id, hash, display_name, scopes, rooftops, sources, created_at)
             VALUES ($1, $2, $3, '', '{admin}', '{}', '{}', now())",
        )
        .bind(&key.key_id)
        .bind(group)
        .bind(key.hash.as_slice())
        .execute(&mut db)
        .await
        .unwrap();
        key.token
    }

    /// Posts a body to the HTTP edge; the status and the JSON of the answer.
    async fn post(&self, key: Option<&str>, content_type: &str, body: String) -> (u16, Value) {
        let request = http().post(format!("http://{}/v1/events", self.suite.http)).header("content-type", content_type);
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_http_edge_refuses_in_json_what_is_no_json() {
    const ONE: &str = "application/cloudevents+json";
    const BATCH: &str = "application/cloudevents-batch+json";
    let mut edge = Edge::start().await;
    let key = edge.key.clone();
    let good = event("A1", "1", "deal.opened", "D-1", NOON);
    let mut huge = good.clone();
    huge["data"]["reason"] = "x".repeat(5 << 20).into();
    for (key, kind, body, code, why, field) in [
        (Some(&key), ONE, "{\"id\": ".to_owned(), 400, "INVALID_FIELD", Some("body")),
        (Some(&key), BATCH, good.to_string(), 400, "INVALID_FIELD", Some("body")),
        (Some(&key), BATCH, "[]".to_owned(), 400, "INVALID_FIELD", Some("events")),
        (Some(&key), "text/xml", "<adf/>".to_owned(), 400, "INVALID_FIELD", Some("content-type")),
        (Some(&key), ONE, huge.to_string(), 413, "MESSAGE_TOO_LARGE", None),
        (None, ONE, good.to_string(), 401, "UNAUTHENTICATED", None),
    ] {
        let before = edge.calls("POST /v1/events", &code.to_string()).await;
        let (status, answer) = edge.post(key.map(String::as_str), kind, body).await;
        assert_eq!(status, code, "{answer}");
        let details: HashMap<&str, &Value> = answer["error"]["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|detail| (detail["@type"].as_str().unwrap().rsplit('.').next().unwrap(), detail))
            .collect();
        assert_eq!(details["ErrorInfo"]["reason"], why, "{answer}");
        if let Some(field) = field {
            assert_eq!(details["BadRequest"]["fieldViolations"][0]["field"], field, "{answer}");
        }
        assert_eq!(edge.calls("POST /v1/events", &code.to_string()).await, before + 1.0, "{code} is counted");
        edge.assert_well().await;
    }

    // What is wrong with one entry of a batch is that entry's alone.
    let mut timeless = event("A1", "2", "deal.opened", "D-2", NOON);
    timeless["time"] = 17.into();
    let (status, answer) = edge.post(Some(&key), BATCH, json!([good, 7, timeless]).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let outcomes: Vec<&str> =
        answer["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["OUTCOME_ACCEPTED", "OUTCOME_REFUSED", "OUTCOME_QUARANTINED"], "{answer}");
    edge.assert_well().await;
    assert!(edge.suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_of_2001_events_keeps_2000_and_asks_for_a_person() {
    let mut edge = Edge::start().await;
    let noon: jiff::Timestamp = NOON.parse().unwrap();
    let sent: Vec<Value> = (0..2_001)
        .map(|second| {
            let at = noon + Duration::from_secs(second);
            event("A1", &second.to_string(), "deal.pencil.presented", "D-1", &at.to_string())
        })
        .collect();
    let answer = edge.append_as(&edge.key, &sent).await.unwrap();
    assert!(answer.results.iter().all(|result| result.outcome() == Outcome::Accepted), "the edge folds nothing");

    let reviews = edge.suite.run(&["reviews", "--format", "json", "--timeout", "120s"]).await;
    assert!(reviews.status.success(), "{reviews:?}");
    let reviews = reviews.json();
    let [review] = reviews.as_slice() else { panic!("{reviews:?}") };
    assert_eq!(review["kind"], "too_many_events", "{review}");
    let request = GetDealRequest { name: review["deal"].as_str().unwrap().to_owned(), ..Default::default() };
    let deal = DealServiceClient::new(edge.channel.clone()).get_deal(keyed(&edge.key, request)).await.unwrap();
    let deal = deal.into_inner();
    assert_eq!(deal.event_count, 2_000);
    assert_eq!(
        deal.exceptions.iter().map(|exception| exception.kind.as_str()).collect::<Vec<_>>(),
        ["too_many_events"]
    );
    assert_eq!(edge.suite.metric("throughline_too_many_events_total", &[]).await, 1.0);

    // Other deals of the rooftop do not notice.
    edge.assert_well().await;
    let deals = edge.suite.run(&["deals", "--format", "json", "--filter", "key = \"G-1\""]).await;
    assert_eq!(deals.line()["events"], 1);
    assert!(edge.suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_says_in_one_line_what_is_wrong() {
    let edge = Edge::start().await;
    let folder = edge.suite.data.clone();
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let forged = file("forged.key", &format!("{}x\n", edge.key));
    let absent = folder.join("absent.key").to_str().unwrap().to_owned();
    for (arguments, told) in [
        (vec!["deals", "--key-file", &forged], "(UNAUTHENTICATED)"),
        (vec!["deals", "--key-file", &absent], "absent.key"),
        (vec!["deals", "--server", "127.0.0.1:1"], "nothing answers at 127.0.0.1:1"),
        (vec!["deals", "--filter", "state ="], "(INVALID_FIELD); filter: "),
        (vec!["rooftop", "add", "C3", "--zone", "Mars/Olympus"], "(INVALID_FIELD); rooftop.zone: "),
        (vec!["import", "/no/such/file"], "/no/such/file"),
    ] {
        let printed = edge.suite.run(&arguments).await;
        assert_eq!(printed.status.code(), Some(1), "{arguments:?}: {printed:?}");
        assert_eq!(printed.stdout, "", "{arguments:?}");
        let lines: Vec<&str> = printed.stderr.lines().filter(|line| line.starts_with("throughline: ")).collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {printed:?}");
        assert!(lines[0].contains(told), "{arguments:?}: {}", lines[0]);
        assert!(!printed.stderr.contains(edge.key.trim()), "a key is printed: {printed:?}");
    }
    assert!(edge.suite.stop().await.success());
}
