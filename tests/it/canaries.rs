//! What names a customer is planted wherever somebody could write it: in files, their names, headers, queries, events and
//! questions. Then it is sought wherever the suite keeps or says something. A word that may be kept is sought too, so that
//! it is seen that the search finds what is there.
mod plant;

use std::sync::{Arc, Mutex};

use prost::Message as _;
use throughline_proto::{
    deal::v1::{DealKey, GetDealRequest, GetTimelineRequest, deal_service_client::DealServiceClient},
    ingestion::v1::{ListFeedsRequest, ListQuarantinedRequest, ingestion_service_client::IngestionServiceClient},
    notification::v1::{
        CreateRouteRequest, Route, WebhookChannel, notification_service_client::NotificationServiceClient,
        route::Channel,
    },
    rule::v1::Severity,
};
use throughline_testkit::{OwnServers, Scratch, eventually};

use crate::{
    listeners::{Alerts, Spans, monitor},
    places::Places,
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
        assert_eq!(places.holding(word), Vec::<&str>::new(), "{word}, first in {:?}", places.excerpt(word));
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
        ];
        let suite = Suite::start_logging(&data, &flags, "debug").await;
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
        eventually(std::time::Duration::from_secs(10), async || holds(&monitored.lock().unwrap()).then_some(())).await;
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

/// No deal's number goes to Redis, so the search there is shown one of the test's own.
async fn control(url: &str) {
    let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    redis::cmd("HSET").arg("control").arg("field").arg(KEPT).exec_async(&mut redis).await.unwrap();
}
