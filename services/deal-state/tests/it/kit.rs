//! A process with deal-state and a log of events that a test writes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use sqlx::{Row, migrate::Migrator};
use throughline_deal_state::{FaultHook, Settings};
use throughline_journal::{
    Context, Log, NewEntry,
    host::{self, Running, Service},
};
use throughline_platform::{
    Failure, Migrations, Options, Slice,
    auth::NewKey,
    clock::{Clock, ManualHand},
    db::{Db, Role},
};
use throughline_process::Key;
use throughline_proto::{
    deal::v1::{self as pb, deal_service_client::DealServiceClient},
    event::v1::{Event, Origin, TimeBound, TimeQuality},
    log::v1::{EntryBody, TraceContext, entry_body::Body},
    tenant::v1::{FeedExpectation, Rooftop},
    time::to_wire,
};
use throughline_testkit::{Database, connect};
use tonic::{Request, Status, Streaming, transport::Channel};

pub const SOON: Duration = Duration::from_secs(20);

static MIGRATOR: Migrator = sqlx::migrate!("tests/it/event_log");
static EVENT_LOG: Migrations = Migrations { schema: "ingestion", migrator: &MIGRATOR };
const SERVICES: [Service; 2] = [
    Service { migrations: Some(&EVENT_LOG), start: start_event_log },
    Service { migrations: Some(&throughline_deal_state::MIGRATIONS), start: start_faulty },
];

fn start_event_log(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        Log::register(cx, "ingestion", "event", None);
        Ok(Slice::new("ingestion"))
    })
}

fn start_faulty(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    let settings = Settings { faults: Some(Arc::new(Faulty)) };
    Box::pin(throughline_deal_state::start_with(cx, settings))
}

/// The fold of a deal with this visit panics until it is mended.
pub const POISON: &str = "POISON";
pub static MENDED: AtomicBool = AtomicBool::new(false);

/// The fold of a deal with this visit panics while it is spoilt.
pub const SPOILABLE: &str = "SPOILABLE";
pub static SPOILT: AtomicBool = AtomicBool::new(false);

/// The fold of a deal with this visit panics while it is broken.
pub const FRAGILE: &str = "FRAGILE";
pub static BROKEN: AtomicBool = AtomicBool::new(false);

struct Faulty;

impl FaultHook for Faulty {
    fn before_fold(&self, _: &str, _: &str, keys: &[Key]) {
        let poisoned = keys.iter().any(|key| key.value == POISON);
        assert!(!poisoned || MENDED.load(Ordering::SeqCst), "the test asked for it");
        let spoilable = keys.iter().any(|key| key.value == SPOILABLE);
        assert!(!spoilable || !SPOILT.load(Ordering::SeqCst), "the test asked for it");
        let fragile = keys.iter().any(|key| key.value == FRAGILE);
        assert!(!fragile || !BROKEN.load(Ordering::SeqCst), "the test asked for it");
    }
}

/// A rooftop of a group and the part that it has.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    pub group: &'static str,
    pub rooftop: &'static str,
    pub part: u16,
}

pub const NORTH: Store = Store { group: "summit", rooftop: "north", part: 7 };
pub const SOUTH: Store = Store { group: "summit", rooftop: "south", part: 200 };
/// Another group, on the same part.
pub const RIVAL: Store = Store { group: "rival", rooftop: "north", part: 7 };

/// Minutes after ten o'clock of the test's day.
pub fn at(minute: i64) -> Timestamp {
    "2026-09-07T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// The process under test.
pub struct Suite {
    pub running: Running,
    pub database: Database,
    pub hand: ManualHand,
    channel: Channel,
    log: Log,
    admin: String,
}

impl Suite {
    /// At ten o'clock, with the three rooftops.
    pub async fn start() -> Self {
        let database = Database::from_template("deal-state", async |url| {
            let db = Db::connect(&Options::for_test(url, None)).await.unwrap();
            let schemas = [throughline_journal::MIGRATIONS, EVENT_LOG, throughline_deal_state::MIGRATIONS];
            db.migrate(&schemas).await.unwrap();
            db.close().await;
        })
        .await;
        let (clock, hand) = Clock::manual(at(0));
        let options = Options::for_test(database.url(), None);
        let running = host::start_with(options, Some(clock), &SERVICES).await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", running.grpc_addr)).unwrap().connect_lazy();
        let log = running.cx.logs.log("event").unwrap();
        let admin = make_key(&database, "summit", &[], &["admin"]).await;
        let suite = Self { running, database, hand, channel, log, admin };
        suite.tell([rooftop(NORTH), rooftop(SOUTH), rooftop(RIVAL)]).await;
        suite
    }

    /// Appends entries in one commit, and answers with the token that stands for them.
    pub async fn tell(&self, entries: impl IntoIterator<Item = NewEntry>) -> String {
        let entries: Vec<NewEntry> = entries.into_iter().collect();
        let parts: Vec<u16> = entries.iter().map(|entry| entry.part).collect();
        let (log, now) = (self.log.clone(), self.running.cx.platform.clock.now());
        let db = &self.running.cx.platform.db;
        let appended = db
            .work(Role::Appender, move |tx| Box::pin(async move { log.append(tx, now, entries).await }))
            .await
            .unwrap();
        self.log.wake(parts.iter().copied());
        self.log.token(&parts.into_iter().zip(appended.iter().map(|appended| appended.position)).collect::<Vec<_>>())
    }

    pub async fn key(&self, group: &str, rooftops: &[&str], scopes: &[&str]) -> String {
        make_key(&self.database, group, rooftops, scopes).await
    }

    pub fn deals(&self) -> DealServiceClient<Channel> {
        DealServiceClient::new(self.channel.clone())
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A request of an administrator of summit.
    pub fn asks<T>(&self, message: T) -> Request<T> {
        signed(&self.admin, message)
    }

    pub async fn get(&self, request: pb::GetDealRequest) -> Result<pb::Deal, Status> {
        Ok(self.deals().get_deal(self.asks(request)).await?.into_inner())
    }

    /// The deal that has this key, once `at_least` is folded.
    pub async fn deal(&self, store: Store, kind: &str, value: &str, at_least: &str) -> pb::Deal {
        let request = pb::GetDealRequest {
            name: format!("groups/{}/rooftops/{}/deals/-", store.group, store.rooftop),
            key: Some(pb::DealKey { kind: kind.to_owned(), value: value.to_owned(), ..Default::default() }),
            at_least: at_least.to_owned(),
            known_at: None,
        };
        self.get(request).await.unwrap()
    }

    pub async fn list(&self, filter: &str, at_least: &str) -> Vec<pb::Deal> {
        let request = pb::ListDealsRequest {
            parent: "groups/summit".to_owned(),
            filter: filter.to_owned(),
            at_least: at_least.to_owned(),
            ..Default::default()
        };
        self.deals().list_deals(self.asks(request)).await.unwrap().into_inner().deals
    }

    pub async fn hash(&self, at_least: &str) -> pb::GetStateHashResponse {
        let request = pb::GetStateHashRequest { parent: "groups/summit".to_owned(), at_least: at_least.to_owned() };
        self.deals().get_state_hash(self.asks(request)).await.unwrap().into_inner()
    }

    pub async fn watch(&self, request: pb::WatchBoardRequest) -> Streaming<pb::WatchBoardResponse> {
        let request = pb::WatchBoardRequest { parent: "groups/summit".to_owned(), ..request };
        self.deals().watch_board(self.asks(request)).await.unwrap().into_inner()
    }

    /// What the deal log says of deals and rooftops of a part, in order.
    pub async fn said(&self, part: u16) -> Vec<(String, Body)> {
        let mut connection = connect(self.database.url()).await;
        let rows = sqlx::query("SELECT entity, body FROM deal_state.deal_log WHERE part = $1 ORDER BY pos")
            .bind(part as i16)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let said = |row: &sqlx::postgres::PgRow| {
            (row.get::<String, _>(0), EntryBody::decode(row.get::<&[u8], _>(1)).unwrap().body.unwrap())
        };
        rows.iter().map(said).filter(|(_, body)| !matches!(body, Body::Feed(_))).collect()
    }

    /// Runs statements on the live tables behind the service's back.
    pub async fn damage(&self, statements: &str) {
        let mut connection = connect(self.database.url()).await;
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut connect(self.database.url()).await).await.unwrap()
    }
}

pub fn signed<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

async fn make_key(database: &Database, group: &str, rooftops: &[&str], scopes: &[&str]) -> String {
    let key = NewKey::generate();
    let mut connection = connect(database.url()).await;
    sqlx::query("INSERT INTO directory.dealer_group VALUES ($1, $1, now()) ON CONFLICT DO NOTHING")
        .bind(group)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query("INSERT INTO directory.api_key VALUES ($1, $2, $3, 'test', $4, $5, '{}', now(), NULL)")
        .bind(&key.key_id)
        .bind(group)
        .bind(key.hash.as_slice())
        .bind(scopes)
        .bind(rooftops)
        .execute(&mut connection)
        .await
        .unwrap();
    key.token
}

pub fn rooftop(store: Store) -> NewEntry {
    rooftop_with(store, "")
}

pub fn rooftop_with(store: Store, definition_json: &str) -> NewEntry {
    rooftop_told(store, Rooftop { definition_json: definition_json.to_owned(), ..Default::default() })
}

/// What the directory says when this is how often to expect its CRM.
pub fn rooftop_expecting(store: Store, seconds: i64) -> NewEntry {
    let interval = Some(prost_types::Duration { seconds, nanos: 0 });
    let feeds = vec![FeedExpectation { source: "crm".to_owned(), interval }];
    rooftop_told(store, Rooftop { feeds, ..Default::default() })
}

/// In New York.
pub fn rooftop_told(store: Store, rooftop: Rooftop) -> NewEntry {
    let rooftop = Rooftop {
        name: format!("groups/{}/rooftops/{}", store.group, store.rooftop),
        zone: "America/New_York".to_owned(),
        part: store.part.into(),
        ..rooftop
    };
    entry(store, "rooftop".to_owned(), Body::Rooftop(rooftop))
}

pub fn exactly(minute: i64) -> TimeBound {
    let instant = Some(to_wire(at(minute)));
    TimeBound { earliest: instant, latest: instant, quality: TimeQuality::Exact.into() }
}

/// An event of the CRM's deal `subject` at a minute; its id follows from all of that.
pub fn event(event_type: &str, subject: &str, minute: i64, keys: &[(&str, &str)]) -> Event {
    Event {
        id: format!("{event_type}/{subject}/{minute}"),
        source: "crm".to_owned(),
        r#type: event_type.to_owned(),
        subject: subject.to_owned(),
        occurred_at: Some(to_wire(at(minute))),
        time: Some(exactly(minute)),
        actor: "S1".to_owned(),
        keys: keys.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
        ..Default::default()
    }
}

/// As ingestion appends it.
pub fn says(store: Store, event: Event) -> NewEntry {
    let entity =
        if event.subject.is_empty() { "store".to_owned() } else { format!("{} {}", event.source, event.subject) };
    entry(store, entity, Body::Event(event))
}

fn entry(store: Store, entity: String, body: Body) -> NewEntry {
    NewEntry {
        part: store.part,
        group: store.group.to_owned(),
        rooftop: store.rooftop.to_owned(),
        entity,
        origin: Origin::Live,
        actor: String::new(),
        trace: TraceContext::default(),
        body: Bytes::from(EntryBody { body: Some(body) }.encode_to_vec()),
    }
}
