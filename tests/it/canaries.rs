//! What names a customer is planted wherever somebody could write it: in files, their names, headers, queries, events and
//! questions. Then it is sought wherever the suite keeps or says something. A word that may be kept is sought too, so that
//! it is seen that the search finds what is there.
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, http::HeaderMap, routing::post};
use futures::StreamExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use prost::Message as _;
use serde_json::{Value, json};
use throughline_proto::{
    cloudevents::{CloudEvent, cloud_event::Data},
    deal::v1::{DealKey, GetDealRequest, GetTimelineRequest, ListDealsRequest, deal_service_client::DealServiceClient},
    ingestion::v1::{
        AppendEventsRequest, ListFeedsRequest, ListQuarantinedRequest, ingestion_service_client::IngestionServiceClient,
    },
    notification::v1::{
        CreateRouteRequest, Route, WebhookChannel, notification_service_client::NotificationServiceClient,
        route::Channel,
    },
    rule::v1::{
        AcknowledgeFlagRequest, ListFlagsRequest, ResolveReviewRequest, Severity,
        rule_service_client::RuleServiceClient,
    },
};
use throughline_testkit::{OwnServers, Scratch, eventually, samples};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::{
    events::cloud_event,
    places::Places,
    profiles::FILES,
    suite::{Suite, http},
};

/// A person: a name, addresses, numbers, a day of birth. None of these can be a number or a code of ours.
const PERSON: [&str; 7] = [
    "Canary Ann Doe",
    "canary.ann@example.invalid",
    "(212) 555-0123",
    "212-555-0124",
    "078-05-1120",
    "12 Canary Street",
    "1965-01-06",
];
/// What stands for customers in vendors' files: those of [`FILES`], and those of the samples.
const IN_FILES: [&str; 5] = ["CANARY-", "canary@example.invalid", "555-0100", "@example.invalid", "555-01"];
/// A deal's number: kept, and told to everybody who may know.
const KEPT: &str = "KEEPSAKE7";
/// The suite's clock begins here.
const NOON: &str = "2026-09-09T15:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn what_names_a_customer_is_found_nowhere() {
    let mut world = World::start().await;
    world.tell_live().await;
    world.plant_in_http().await;
    world.plant_in_grpc().await;
    world.plant_in_questions().await;
    world.plant_in_files().await;
    world.plant_in_decisions().await;
    let places = world.look_everywhere().await;

    for word in PERSON.iter().chain(&IN_FILES) {
        assert_eq!(places.holding(word), Vec::<&str>::new(), "{word}");
    }
    let kept = places.holding(KEPT);
    for place in [
        "table ingestion.event",
        "bytes ingestion.event",
        "table deal_state.",
        "bytes deal_state.",
        "bytes rules.",
        "alert",
        "command deals",
        "command flags",
        "timeline",
        "file ",
        "redis control",
        "redis monitor",
    ] {
        assert!(kept.iter().any(|found| found.starts_with(place)), "{KEPT} is not found in {place}: {kept:?}");
    }
    // These hold no deal's number at all: that they hold something is seen by a word of their own.
    for (place, word) in
        [("traces", "/v1/events"), ("log", "throughline"), ("metrics", "throughline_ingest_events_total")]
    {
        assert!(places.holding(word).contains(&place), "{word} is not found in {place}");
        assert!(!kept.contains(&place), "{place} names a deal");
    }
}

/// A suite with everything that listens to it.
struct World {
    suite: Suite,
    places: Places,
    spans: Spans,
    alerts: Alerts,
    monitored: Arc<Mutex<Vec<u8>>>,
    postgres_url: String,
    // Dropped last: the suite's servers stand in it.
    servers: OwnServers,
    files: Scratch,
}

impl World {
    async fn start() -> Self {
        let servers = OwnServers::start().await;
        let postgres_url = servers.create_database("throughline").await;
        let monitored = monitor(&servers.redis.url()).await;
        let (spans, otlp) = Spans::start().await;
        let alerts = Alerts::start().await;
        let data = servers.scratch().path().join("suite");
        std::fs::create_dir(&data).unwrap();
        let (redis_url, otlp) = (servers.redis.url(), format!("http://{otlp}"));
        let flags = [
            "--postgres-url",
            &postgres_url,
            "--redis-url",
            &redis_url,
            "--otlp-endpoint",
            &otlp,
            "--clock-start",
            NOON,
            "--log-filter",
            "debug",
        ];
        let suite = Suite::start(&data, &flags).await;
        let mut world = Self {
            suite,
            places: Places::default(),
            spans,
            alerts,
            monitored,
            postgres_url,
            servers,
            files: Scratch::new(),
        };
        for rooftop in ["RT7", "RT001"] {
            world.command(&["rooftop", "add", rooftop, "--zone", "America/New_York"], &[]).await;
        }
        let webhook = WebhookChannel { url: world.alerts.url.clone() };
        let route = Route {
            min_severity: Severity::Yellow.into(),
            channel: Some(Channel::Webhook(webhook)),
            ..Route::default()
        };
        let request = CreateRouteRequest { parent: "groups/main".to_owned(), route: Some(route), ..Default::default() };
        let channel = world.suite.channel().await;
        NotificationServiceClient::new(channel).create_route(world.suite.keyed(request)).await.unwrap();
        world
    }

    /// Runs a command; what it prints is searched, but for names of files that the caller gave it.
    async fn command(&mut self, arguments: &[&str], names: &[&str]) -> bool {
        let printed = self.suite.run(arguments).await;
        let mut text = printed.stdout + &printed.stderr;
        for name in names {
            text = text.replace(name, "");
        }
        self.places.add(format!("command {}", arguments[0]), text.as_bytes());
        printed.status.success()
    }

    /// A deal of which somebody is alerted, with a customer in every field that is not ours.
    async fn tell_live(&mut self) {
        let mut sent = Vec::new();
        for (place, kind, subject) in
            [(0, "deal.vehicle.ready", "D-0"), (1, "deal.opened", KEPT), (2, "deal.contract.signed", KEPT)]
        {
            let mut event = of(&format!("live-{place}"), kind, subject);
            event["customer"] = PERSON[0].into();
            event["data"]["buyer"] =
                json!({"name": PERSON[0], "contact": [PERSON[1], PERSON[2]], PERSON[5]: PERSON[4]});
            event["data"]["reason"] = PERSON[0].into();
            event["data"]["keys"]["licence"] = PERSON[3].into();
            sent.push(event);
        }
        let answer = self.suite.post_events(&json!(sent), None).await;
        for result in answer["results"].as_array().unwrap() {
            assert_eq!(result["outcome"], "OUTCOME_ACCEPTED", "{answer}");
        }
        self.places.add("answer", answer.to_string().as_bytes());
        let alerts = self.alerts.told.clone();
        eventually(Duration::from_secs(60), async || (!alerts.lock().unwrap().is_empty()).then_some(())).await;
    }

    async fn plant_in_http(&self) {
        let base = format!("http://{}/v1/events", self.suite.http);
        let good = |id: &str| of(id, "deal.opened", "D-1").to_string();
        for (place, person) in PERSON.into_iter().enumerate() {
            let headers = |request: reqwest::RequestBuilder| {
                let traced = format!("00-{:032x}-{:016x}-01", place + 1, place + 1);
                let planted = [
                    "user-agent",
                    "referer",
                    "cookie",
                    "x-forwarded-for",
                    "x-request-id",
                    "x-customer",
                    "tracestate",
                    "baggage",
                    "idempotency-key",
                    "origin",
                    "accept-language",
                    "webhook-id",
                ];
                let request = request.bearer_auth(self.suite.key()).header("traceparent", traced);
                planted.into_iter().fold(request, |request, name| {
                    request.header(name, if name == "tracestate" { format!("a={person}") } else { person.to_owned() })
                })
            };
            let batches: Vec<Value> = carriers(person);
            let whole: Value = batches.clone().into();
            for (kind, body) in [
                ("application/cloudevents-batch+json", whole.to_string()),
                ("application/cloudevents+json", good(&format!("query-{place}"))),
                ("application/cloudevents+json", format!("{{\"id\": \"{person}")),
                ("application/cloudevents-batch+json", format!("[{}, \"{person}\", [\"{person}\"]]", good("in-batch"))),
                (person, good("of-a-kind")),
            ] {
                let address = reqwest::Url::parse_with_params(&base, [("customer", person), (person, "1")]).unwrap();
                headers(http().post(address)).header("content-type", kind).body(body).send().await.unwrap();
            }
            for batch in batches {
                let one =
                    headers(http().post(&base)).header("content-type", "application/json").body(batch.to_string());
                one.send().await.unwrap();
            }
            // Binary mode: each attribute in turn.
            for attribute in
                ["id", "source", "type", "subject", "rooftop", "time", "dataschema", "traceparent", "customer"]
            {
                let mut request = headers(http().post(&base)).header("content-type", "application/json");
                let event = of(&format!("binary-{place}-{attribute}"), "deal.opened", "D-1");
                for name in ["id", "source", "type", "subject", "rooftop", "time"] {
                    let value = if name == attribute { person } else { event[name].as_str().unwrap() };
                    request = request.header(format!("ce-{name}"), value);
                }
                request
                    .header(format!("ce-{attribute}"), person)
                    .body(format!("{{\"{person}\": 1}}"))
                    .send()
                    .await
                    .unwrap();
            }
            // Where nothing is, and without a key.
            for method in
                [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::from_bytes(b"CANARY-METHOD").unwrap()]
            {
                let mut address = reqwest::Url::parse(&base).unwrap();
                address.path_segments_mut().unwrap().push(person);
                headers(http().request(method.clone(), address)).send().await.unwrap();
                http()
                    .request(method, &base)
                    .bearer_auth(format!("tl_{place}"))
                    .header("x-customer", person)
                    .send()
                    .await
                    .unwrap();
            }
        }
    }

    async fn plant_in_grpc(&mut self) {
        let channel = self.suite.channel().await;
        for person in PERSON {
            let mut client = IngestionServiceClient::new(channel.clone());
            let mut events: Vec<CloudEvent> = carriers(person).iter().map(cloud_event).collect();
            let any = prost_types::Any { type_url: person.to_owned(), value: person.as_bytes().to_vec() };
            events.push(CloudEvent { data: Some(Data::ProtoData(any)), ..events[0].clone() });
            events.push(CloudEvent { data: Some(Data::BinaryData(person.as_bytes().to_vec())), ..events[0].clone() });
            let mut request =
                self.suite.keyed(AppendEventsRequest { events, actor: person.to_owned(), ..Default::default() });
            for name in ["x-customer", "user-agent", "tracestate", "baggage"] {
                request.metadata_mut().insert(name, person.parse().unwrap());
            }
            request
                .metadata_mut()
                .insert_bin("customer-bin", tonic::metadata::MetadataValue::from_bytes(person.as_bytes()));
            let events = request.get_ref().events.clone();
            let refused = client.append_events(request).await;
            self.tell("answer to append", refused.err());
            // Once more, with nobody whom we cannot know.
            let mut request = self.suite.keyed(AppendEventsRequest { events, ..Default::default() });
            request.metadata_mut().insert("x-customer", person.parse().unwrap());
            let answer = client.append_events(request).await.unwrap().into_inner();
            // The id is the sender's own, by which it knows its event again.
            let said: Vec<_> = answer.results.iter().map(|result| (&result.status, &result.dropped_fields)).collect();
            self.places.add("answer to append", format!("{said:?}").as_bytes());
        }
    }

    fn tell(&mut self, place: &str, status: Option<Status>) {
        if let Some(status) = status {
            self.places.add(place, format!("{}", status.message()).as_bytes());
            self.places.add(place, status.details());
        }
    }

    /// People look for a customer by name.
    async fn plant_in_questions(&mut self) {
        let channel = self.suite.channel().await;
        let (mut deals, mut rules) = (DealServiceClient::new(channel.clone()), RuleServiceClient::new(channel.clone()));
        let mut ingestion = IngestionServiceClient::new(channel);
        for person in PERSON {
            let own = |text: &str| text.to_owned();
            let list = || ListDealsRequest { parent: own("groups/main"), ..Default::default() };
            for request in [
                ListDealsRequest { filter: own(person), ..list() },
                ListDealsRequest { filter: format!("\"{person}\" = 1"), ..list() },
                ListDealsRequest { filter: format!("state = \"{person}\""), ..list() },
                ListDealsRequest { filter: format!("opened_at > \"{person}\""), ..list() },
                ListDealsRequest { filter: format!("key = \"{person}\""), ..list() },
                ListDealsRequest { order_by: own(person), ..list() },
                ListDealsRequest { page_token: own(person), ..list() },
                ListDealsRequest { at_least: own(person), ..list() },
            ] {
                let status = deals.list_deals(self.suite.keyed(request)).await.err();
                self.tell("answer to a question", status);
            }
            // Its name is the question; the answer may repeat it to who asked.
            let key = Some(DealKey { value: own(person), ..Default::default() });
            let name = own("groups/main/rooftops/RT7/deals/-");
            deals.get_deal(self.suite.keyed(GetDealRequest { name, key, ..Default::default() })).await.unwrap_err();
            let name = format!("groups/main/rooftops/RT7/deals/{person}");
            deals.get_deal(self.suite.keyed(GetDealRequest { name, ..Default::default() })).await.unwrap_err();
            let asked = ListFlagsRequest { parent: own("groups/main"), kind: own(person), ..Default::default() };
            let _ = rules.list_flags(self.suite.keyed(asked)).await;
            let asked =
                ListQuarantinedRequest { parent: own("groups/main"), page_token: own(person), ..Default::default() };
            let status = ingestion.list_quarantined(self.suite.keyed(asked)).await.unwrap_err();
            self.tell("answer to a question", Some(status));
        }
    }

    async fn plant_in_files(&mut self) {
        let folder = self.files.path().to_owned();
        let mut profiles: Vec<&str> = FILES.iter().map(|(profile, ..)| *profile).collect();
        profiles.dedup();
        for profile in profiles {
            let here = folder.join(profile).join("CANARY-FOLDER");
            let mut names = vec!["CANARY-FOLDER".to_owned()];
            for (_, name, text, _) in FILES.iter().filter(|(of, ..)| *of == profile) {
                write(&here.join(name), text.as_bytes());
                names.push((*name).to_owned());
            }
            // A line that is longer than any that is read, and a file that is of no profile.
            let long = format!("{{\"dealNo\":\"{}\",\"x\":\"{}\"}}\n", PERSON[0], PERSON[0].repeat(100_000));
            write(&here.join("zz-long"), long.as_bytes());
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.command(&["import", "--profile", profile, "--rooftop", "RT7", here.to_str().unwrap()], &names).await;
            let sample = here.join("zz-long");
            self.command(&["profile", "check", profile, sample.to_str().unwrap()], &names).await;
        }
        // A profile with a customer's row as a note, sound and unsound.
        for (name, version) in [("sound", "1"), ("unsound", "one")] {
            let yaml = format!(
                "# {0} {1}\nprofile: own\nversion: {version}\n# {0}\ntitle: of {0}\nformat: csv\nsource: //own.vendor/{{rooftop}}\n\
                 zone: UTC\nrow: [No]\nsubject: No\nevents:\n  - type: deal.opened\n    time: {{at: {{columns: [At], format: rfc3339}}}}\n",
                PERSON[0], PERSON[1]
            );
            let (profile, sample) = (folder.join(format!("{name}.yaml")), folder.join(format!("{name}.csv")));
            write(&profile, yaml.as_bytes());
            write(&sample, format!("No,At,{0}\nO-1,{NOON},{0}\nO-2,{0},x\n{1}\n", PERSON[0], PERSON[2]).as_bytes());
            let (profile, sample) = (profile.to_str().unwrap(), sample.to_str().unwrap());
            let taken = self.command(&["import", "--profile", profile, "--rooftop", "RT7", sample], &[]).await;
            assert_eq!(taken, name == "sound");
        }
        // Lines as they are.
        let lines: Vec<String> = PERSON
            .iter()
            .flat_map(|person| {
                carriers(person).into_iter().map(|event| event.to_string()).chain([format!("{{\"id\": \"{person}")])
            })
            .collect();
        let plain = folder.join("plain.jsonl");
        write(&plain, lines.join("\n").as_bytes());
        let plain = plain.to_str().unwrap().to_owned();
        self.command(&["import", &plain], &[]).await;
        self.command(&["import", "--profile", "canonical", "--rooftop", "RT7", &plain], &[]).await;
        self.import_a_week().await;
    }

    /// The samples' week, where it is there.
    async fn import_a_week(&mut self) {
        let Some(samples) = samples() else { return };
        for (profile, place) in crate::week::FEEDS {
            let path = samples.join("samples/store-week/RT001").join(place);
            let taken = self
                .command(&["import", "--profile", profile, "--rooftop", "RT001", path.to_str().unwrap()], &[])
                .await;
            assert!(taken, "{profile}");
        }
    }

    /// Whoever takes a flag or resolves a review may write anything.
    async fn plant_in_decisions(&mut self) {
        let mut rules = RuleServiceClient::new(self.suite.channel().await);
        let asked = ListFlagsRequest { parent: "groups/main".to_owned(), ..Default::default() };
        let flags = rules.list_flags(self.suite.keyed(asked)).await.unwrap().into_inner().flags;
        let flag = flags.first().expect("somebody was alerted").name.clone();
        for person in PERSON {
            for (actor, note) in [(person, ""), ("s1", person)] {
                let request = AcknowledgeFlagRequest {
                    name: flag.clone(),
                    actor: actor.to_owned(),
                    note: note.to_owned(),
                    request_id: uuid::Uuid::new_v4().to_string(),
                };
                let status = rules.acknowledge_flag(self.suite.keyed(request)).await.unwrap_err();
                self.tell("answer to a decision", Some(status));
                let request = ResolveReviewRequest {
                    name: format!("groups/main/rooftops/RT7/reviews/{}", uuid::Uuid::nil()),
                    actor: actor.to_owned(),
                    resolution: if note.is_empty() { "seen".to_owned() } else { note.to_owned() },
                    request_id: uuid::Uuid::new_v4().to_string(),
                    ..Default::default()
                };
                let status = rules.resolve_review(self.suite.keyed(request)).await.unwrap_err();
                self.tell("answer to a decision", Some(status));
            }
        }
    }

    async fn look_everywhere(mut self) -> Places {
        for command in ["deals", "flags", "reviews", "report", "status", "state-hash"] {
            assert!(self.command(&[command, "--format", "json"], &[]).await, "{command}");
        }
        self.command(&["board"], &[]).await;
        self.command(&["report", "--by", "deal"], &[]).await;
        let channel = self.suite.channel().await;
        let name = "groups/main/rooftops/RT7/deals/-".to_owned();
        let key = Some(DealKey { value: KEPT.to_owned(), ..Default::default() });
        let mut deals = DealServiceClient::new(channel.clone());
        let deal = deals.get_deal(self.suite.keyed(GetDealRequest { name, key, ..Default::default() })).await.unwrap();
        let request = GetTimelineRequest { name: deal.into_inner().name, ..Default::default() };
        let timeline = deals.get_timeline(self.suite.keyed(request)).await.unwrap().into_inner();
        self.places.add("timeline", &timeline.encode_to_vec());
        let mut ingestion = IngestionServiceClient::new(channel);
        let asked = ListQuarantinedRequest { parent: "groups/main".to_owned(), page_size: 500, ..Default::default() };
        let kept_apart = ingestion.list_quarantined(self.suite.keyed(asked)).await.unwrap().into_inner();
        assert!(kept_apart.quarantined.len() > 20, "{kept_apart:?}");
        self.places.add("quarantine", &kept_apart.encode_to_vec());
        let asked = ListFeedsRequest { parent: "groups/main".to_owned(), ..Default::default() };
        let feeds = ingestion.list_feeds(self.suite.keyed(asked)).await.unwrap().into_inner();
        self.places.add("feeds", &feeds.encode_to_vec());

        let metrics =
            http().get(format!("http://{}/metrics", self.suite.http)).send().await.unwrap().text().await.unwrap();
        self.places.add("metrics", metrics.as_bytes());
        let mut places = self.places;
        let redis_url = self.servers.redis.url();
        control(&redis_url).await;
        places.add_redis(&redis_url).await;
        let monitored = self.monitored.clone();
        let holds = |bytes: &[u8]| bytes.windows(KEPT.len()).any(|bytes| bytes == KEPT.as_bytes());
        eventually(Duration::from_secs(10), async || holds(&monitored.lock().unwrap()).then_some(())).await;
        places.add("redis monitor", &self.monitored.lock().unwrap());

        let log = self.suite.data.join("suite.log");
        assert!(self.suite.stop().await.success());
        places.add_database(&self.postgres_url).await;
        places.add("log", &std::fs::read(log).unwrap());
        places.add("traces", &self.spans.0.lock().unwrap());
        for (headers, body) in self.alerts.told.lock().unwrap().iter() {
            places.add("alert", format!("{headers:?}\n{body}").as_bytes());
        }
        places.add_folder(self.servers.scratch().path());
        places
    }
}

fn of(id: &str, kind: &str, subject: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//dms.example/RT7", "type": kind, "rooftop": "RT7", "subject": subject,
           "time": NOON, "data": {"actor": "s1", "role": "salesperson", "keys": {}}})
}

/// Events that carry a word wherever one can stand.
fn carriers(word: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for attribute in [
        "id",
        "source",
        "type",
        "subject",
        "rooftop",
        "time",
        "earliest",
        "timequality",
        "observedat",
        "sequence",
        "customer",
        word,
    ] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event[attribute] = word.into();
        all.push(event);
    }
    for field in
        ["actor", "role", "trade", "reason", "result", "step", "round", "kind", "replaces", "withdraws", "name", word]
    {
        for value in [json!(word), json!({"nested": [word]})] {
            let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
            event["data"][field] = value;
            all.push(event);
        }
    }
    for key in ["visit", "dms_deal", "application", "stock", "vin", "sale", "licence", word] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event["data"]["keys"][key] = word.into();
        all.push(event);
    }
    for data in [json!(word), json!([word]), json!({word: {word: word}})] {
        let mut event = of(&format!("in-{}", all.len()), "deal.opened", "D-1");
        event["data"] = data;
        all.push(event);
    }
    all
}

fn write(path: &Path, text: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(PathBuf::from(path), text).unwrap();
}

/// Keeps the bytes of every export of spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<u8>>>);

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().extend(request.into_inner().encode_to_vec());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Spans {
    async fn start() -> (Self, std::net::SocketAddr) {
        let spans = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let service = TraceServiceServer::new(spans.clone()).max_decoding_message_size(64 << 20);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        (spans, address)
    }
}

/// A webhook receiver that keeps what it is told.
struct Alerts {
    url: String,
    told: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Alerts {
    async fn start() -> Self {
        let told: Arc<Mutex<Vec<(HeaderMap, String)>>> = Arc::default();
        let keep = told.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let router = Router::new().route(
            "/alerts",
            post(move |headers: HeaderMap, body: String| async move { keep.lock().unwrap().push((headers, body)) }),
        );
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told }
    }
}

/// Keeps every command that Redis is given from now on.
async fn monitor(url: &str) -> Arc<Mutex<Vec<u8>>> {
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let keep = seen.clone();
    let monitor = redis::Client::open(url).unwrap().get_async_monitor().await.unwrap();
    let mut commands = monitor.into_on_message::<redis::Value>();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        while let Some(command) = commands.next().await {
            keep.lock().unwrap().extend(format!("{command:?}\n").into_bytes());
        }
    });
    seen
}

/// No deal's number goes to Redis, so the search there is shown one of the test's own.
async fn control(url: &str) {
    let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    redis::cmd("HSET").arg("control").arg("field").arg(KEPT).exec_async(&mut redis).await.unwrap();
}
