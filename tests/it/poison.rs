//! A fault in the fold of one deal is that deal's alone: it is parked, seen, counted and taken up again; the rest goes on.
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use futures::future::BoxFuture;
use serde_json::Value;
use throughline_deal_state::{FaultHook, Settings};
use throughline_journal::{
    Context,
    host::{self, Running, Service},
};
use throughline_platform::{Failure, Options, Slice};
use throughline_process::Key;
use throughline_proto::{
    deal::v1::{Deal, DealKey, GetDealRequest, GetStateHashRequest, deal_service_client::DealServiceClient},
    ingestion::v1::{AppendEventsRequest, Outcome, ingestion_service_client::IngestionServiceClient},
    log::v1::{
        ListConsumersRequest, ListParkedRequest, Parked, ParkedPath, RetryParkedRequest,
        log_service_client::LogServiceClient,
    },
    tenant::v1::{CreateGroupRequest, directory_service_client::DirectoryServiceClient},
};
use throughline_testkit::{Database, connect, eventually};
use tonic::{Code, Status, transport::Channel};

use crate::{
    events,
    suite::{add_rooftop, keyed, metric},
};

const SOON: Duration = Duration::from_secs(30);
/// The deal whose fold panics.
const SICK: &str = "D-7";
/// What the panic says, as if it quoted what it met.
const SECRET: &str = "quoted from the event";

/// Deals whose fold panics just now.
#[derive(Default)]
struct Faults(Mutex<BTreeSet<&'static str>>);

static FAULTS: LazyLock<Arc<Faults>> = LazyLock::new(Arc::default);

impl FaultHook for Faults {
    fn before_fold(&self, _group: &str, _rooftop: &str, keys: &[Key]) {
        let sick = self.0.lock().unwrap().clone();
        assert!(!keys.iter().any(|key| sick.contains(key.value.as_str())), "{SECRET}");
    }
}

fn start_with_faults(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(throughline_deal_state::start_with(cx, Settings { faults: Some(FAULTS.clone()) }))
}

static FAULTY: Service = Service { migrations: Some(&throughline_deal_state::MIGRATIONS), start: start_with_faults };

/// Ingestion and a deal-state, in this process.
struct Pair {
    running: Running,
    channel: Channel,
    key: String,
    database: Database,
}

impl Pair {
    async fn start(deal_state: Service) -> Self {
        let database = Database::create().await;
        let options = Options::for_test(database.url(), None);
        let service_key = options.service_key.clone();
        let running = host::start(options, &[throughline_ingestion::SERVICE, deal_state]).await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", running.grpc_addr)).unwrap().connect().await.unwrap();
        let request = CreateGroupRequest { group_id: "main".to_owned(), display_name: String::new() };
        let made = DirectoryServiceClient::new(channel.clone()).create_group(keyed(&service_key, request)).await;
        let key = made.unwrap().into_inner().admin_secret;
        add_rooftop(channel.clone(), &key, "A1").await;
        Self { running, channel, key, database }
    }

    /// Appends events that are all accepted; the token stands for them.
    async fn append(&self, sent: &[Value]) -> String {
        let request =
            AppendEventsRequest { events: sent.iter().map(events::cloud_event).collect(), ..Default::default() };
        let answer = IngestionServiceClient::new(self.channel.clone()).append_events(keyed(&self.key, request)).await;
        let answer = answer.unwrap().into_inner();
        assert!(answer.results.iter().all(|result| result.outcome() == Outcome::Accepted), "{:?}", answer.results);
        answer.consistency_token
    }

    async fn deal(&self, subject: &str, at_least: &str) -> Result<Deal, Status> {
        let key = DealKey { kind: String::new(), scope: String::new(), value: subject.to_owned() };
        let request = GetDealRequest {
            name: "groups/main/rooftops/A1/deals/-".to_owned(),
            key: Some(key),
            at_least: at_least.to_owned(),
            known_at: None,
        };
        let answer = DealServiceClient::new(self.channel.clone()).get_deal(keyed(&self.key, request)).await?;
        Ok(answer.into_inner())
    }

    async fn state_hash(&self, at_least: &str) -> Vec<u8> {
        let request = GetStateHashRequest { parent: "groups/main".to_owned(), at_least: at_least.to_owned() };
        let answer = DealServiceClient::new(self.channel.clone()).get_state_hash(keyed(&self.key, request)).await;
        answer.unwrap().into_inner().state_hash
    }

    async fn parked_entries(&self) -> Vec<Parked> {
        let mut parked = self.parked().await;
        parked.retain(|parked| parked.path() == ParkedPath::Entry);
        parked
    }

    async fn parked(&self) -> Vec<Parked> {
        let request = ListParkedRequest { consumer: "deal-state".to_owned(), ..Default::default() };
        let answer = LogServiceClient::new(self.channel.clone()).list_parked(keyed(&self.key, request)).await;
        answer.unwrap().into_inner().parked
    }

    /// Entities and entries parked, as the list of consumers says.
    async fn parked_counts(&self) -> (u64, u64) {
        let answer =
            LogServiceClient::new(self.channel.clone()).list_consumers(keyed(&self.key, ListConsumersRequest {})).await;
        let consumers = answer.unwrap().into_inner().consumers;
        let [consumer] = consumers.as_slice() else { panic!("{consumers:?}") };
        (consumer.parked_entities, consumer.parked_entries)
    }

    /// How often the entry that failed most often was tried.
    async fn tries(&self) -> i32 {
        let mut db = connect(self.database.url()).await;
        sqlx::query_scalar("SELECT coalesce(max(tries), 0) FROM deal_state.parked").fetch_one(&mut db).await.unwrap()
    }

    async fn retry(&self, parked: &Parked) -> u64 {
        let Parked { consumer, part, group, rooftop, entity, .. } = parked.clone();
        let request = RetryParkedRequest { consumer, part, group, rooftop, entity };
        let answer = LogServiceClient::new(self.channel.clone()).retry_parked(keyed(&self.key, request)).await;
        answer.unwrap().into_inner().entries
    }
}

/// One step of each of some deals, in turn, so that a batch holds entries of all of them.
fn step(number: u32, event_type: &str) -> Vec<Value> {
    let one = |deal: u32| {
        let time = format!("2026-09-05T{:02}:{deal:02}:00Z", 12 + number);
        events::event("A1", &format!("{number}-{deal}"), event_type, &format!("D-{deal}"), &time)
    };
    (1..=20).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_fold_of_a_deal_parks_that_deal_alone() {
    let steps: Vec<Vec<Value>> = ["deal.opened", "deal.writeup.submitted", "deal.desk.started", "deal.agreed"]
        .iter()
        .zip(0..)
        .map(|(event_type, number)| step(number, event_type))
        .collect();
    let undisturbed = Pair::start(throughline_deal_state::SERVICE).await;
    let all: Vec<Value> = steps.iter().flatten().cloned().collect();
    let token = undisturbed.append(&all).await;
    let hash = undisturbed.state_hash(&token).await;
    undisturbed.running.stop().await.unwrap();

    // The first step goes well, then the fold of one deal begins to panic.
    let pair = Pair::start(FAULTY).await;
    let token = pair.append(&steps[0]).await;
    assert_eq!(pair.deal(SICK, &token).await.unwrap().event_count, 1);
    FAULTS.0.lock().unwrap().insert(SICK);
    let token = pair.append(&steps[1]).await;

    // The others go on, and who waits for them is not kept waiting by the one.
    for deal in (1..=20).map(|deal| format!("D-{deal}")) {
        let expected = if deal == SICK { 1 } else { 2 };
        assert_eq!(pair.deal(&deal, &token).await.unwrap().event_count, expected, "{deal}");
    }
    // Its timer may be parked, too: a sweep folds it again.
    let parked = pair.parked_entries().await;
    let [one] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!((one.group.as_str(), one.rooftop.as_str()), ("main", "A1"));
    assert_eq!(one.entity, format!("//dms.example/A1 {SICK}"));
    assert!(one.error.contains("panicked") && !one.error.contains(SECRET), "{}", one.error);

    // What comes later of that deal waits behind it, in order.
    let token = pair.append(&steps[2]).await;
    assert_eq!(pair.deal("D-8", &token).await.unwrap().event_count, 3);
    assert_eq!(pair.parked_counts().await, (1, 2));
    let http = pair.running.http_addr.to_string();
    assert_eq!(metric(&http, "journal_parked_entries_total", &[r#"consumer="deal-state""#]).await, 2.0);
    assert_eq!(metric(&http, "journal_stopped_parts", &[]).await, 0.0);

    // A retry while the fault is still there changes nothing.
    assert_eq!(pair.retry(one).await, 2);
    eventually(SOON, async || pair.tries().await == 4).await;
    assert_eq!(pair.parked_entries().await.len(), 2);
    assert_eq!(pair.deal(SICK, "").await.unwrap().event_count, 1);

    // The fault is mended: the deal is taken up where it stood, and new events of it need no retry.
    FAULTS.0.lock().unwrap().clear();
    assert_eq!(pair.retry(one).await, 2);
    eventually(SOON, async || pair.parked().await.is_empty()).await;
    let token = pair.append(&steps[3]).await;
    assert_eq!(pair.deal(SICK, &token).await.unwrap().event_count, 4);
    assert_eq!(pair.state_hash(&token).await, hash, "nothing shows that it was ever parked");
    let nothing = Parked { entity: "//dms.example/A1 D-8".to_owned(), ..one.clone() };
    let Parked { consumer, part, group, rooftop, entity, .. } = nothing;
    let request = RetryParkedRequest { consumer, part, group, rooftop, entity };
    let refused = LogServiceClient::new(pair.channel.clone()).retry_parked(keyed(&pair.key, request)).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    pair.running.stop().await.unwrap();
}
