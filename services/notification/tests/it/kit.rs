//! A process with the notification service, and a flag log into which the test writes as rules would.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use pb::{
    event::v1::Origin,
    log::v1::{EntryBody, TraceContext, entry_body::Body},
    notification::v1::{
        CreateRouteRequest, CreateRouteResponse, Delivery, DeliveryState, ListDeliveriesRequest, LogChannel, Route,
        WebhookChannel, notification_service_client::NotificationServiceClient, route,
    },
    rule::v1::{Acknowledgement, Fact, Flag, FlagRetraction, Severity, flag::Subject},
};
use prost::Message;
use throughline_journal::{
    Context, Log, NewEntry,
    host::{self, Running, Service},
    wait_for,
};
use throughline_platform::{
    Failure, Options, Slice,
    auth::NewKey,
    clock::{Clock, ManualHand},
    db::Role,
};
use throughline_proto as pb;
use throughline_testkit::{Database, connect, eventually};
use tonic::{
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const GROUP: &str = "summit";
pub(crate) const ROOFTOP: &str = "RT001";
const PART: u16 = 7;
pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Minutes after ten o'clock of the test's day.
pub(crate) fn at(minute: i64) -> Timestamp {
    "2026-09-07T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) hand: ManualHand,
    pub(crate) database: Database,
    flags: Log,
    admin: String,
}

pub(crate) type Notifications = NotificationServiceClient<InterceptedService<Channel, Bearer>>;

#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Desk {
    /// At ten o'clock.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Options)) -> Self {
        Self::start(Database::create().await, at(0), change).await
    }

    /// A process on a database that another one may have left.
    pub(crate) async fn start(database: Database, now: Timestamp, change: impl FnOnce(&mut Options)) -> Self {
        let (clock, hand) = Clock::manual(now);
        let mut options = Options::for_test(database.url(), None);
        change(&mut options);
        let services = [Service { migrations: None, start: flag_log }, throughline_notification::SERVICE];
        let running = host::start_with(options, Some(clock), &services).await.unwrap();
        let flags = running.cx.logs.log("flag").unwrap();
        let admin = make_key(&database, GROUP, &["admin"], &[]).await;
        Self { running, hand, database, flags, admin }
    }

    /// Appends what rules would say, and waits until it was decided on.
    pub(crate) async fn tell(&self, entry: NewEntry) {
        self.tell_all(vec![entry]).await;
    }

    /// The same for several entries in one batch.
    pub(crate) async fn tell_all(&self, entries: Vec<NewEntry>) {
        self.append(entries).await;
        self.complete().await;
    }

    /// Moves the clock by a microsecond, so that the log may be complete past what was appended, and waits until all of it is
    /// decided on.
    pub(crate) async fn complete(&self) {
        self.hand.advance(SignedDuration::from_micros(1));
        eventually(SOON, async || match self.undecided().await {
            0 => Ok(()),
            count => Err(format!("{count} flags are not decided on")),
        })
        .await;
    }

    /// Flags that are not decided on.
    pub(crate) async fn undecided(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM notification.flag WHERE undecided_at IS NOT NULL");
        count.fetch_one(&mut connect(self.database.url()).await).await.unwrap()
    }

    /// Appends entries in one batch, and waits until they are applied.
    pub(crate) async fn append(&self, entries: Vec<NewEntry>) {
        let (log, now) = (self.flags.clone(), self.running.cx.platform.clock.now());
        let write = self
            .running
            .cx
            .platform
            .db
            .work(Role::Appender, move |tx| Box::pin(async move { log.append(tx, now, entries).await }));
        let appended = write.await.unwrap();
        self.flags.wake([PART]);
        let token = self.flags.token(&[(PART, appended.last().unwrap().position)]);
        wait_for(&self.running.cx, "notification", &token, SOON).await.unwrap();
    }

    pub(crate) fn client(&self) -> Notifications {
        self.client_of(&self.admin)
    }

    pub(crate) fn client_of(&self, token: &str) -> Notifications {
        let address = format!("http://{}", self.running.grpc_addr);
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        NotificationServiceClient::with_interceptor(channel, Bearer(format!("Bearer {token}").parse().unwrap()))
    }

    pub(crate) async fn key(&self, group: &str, scopes: &[&str], rooftops: &[&str]) -> String {
        make_key(&self.database, group, scopes, rooftops).await
    }

    pub(crate) async fn route(&self, route: Route) -> CreateRouteResponse {
        self.client().create_route(asked(route)).await.unwrap().into_inner()
    }

    /// All messages of the group, newest first.
    pub(crate) async fn deliveries(&self) -> Vec<Delivery> {
        let request = ListDeliveriesRequest { parent: format!("groups/{GROUP}"), ..Default::default() };
        self.client().list_deliveries(request).await.unwrap().into_inner().deliveries
    }

    /// Waits until the only message there is stands so, after so many tries.
    pub(crate) async fn only(&self, state: DeliveryState, attempts: u32) -> Delivery {
        eventually(SOON, async || match &self.deliveries().await[..] {
            [one] if one.state() == state && one.attempts == attempts => Ok(one.clone()),
            other => Err(format!("{other:#?}")),
        })
        .await
    }

    /// Waits until nothing is to be sent any more.
    pub(crate) async fn settled(&self) -> Vec<Delivery> {
        eventually(SOON, async || {
            let all = self.deliveries().await;
            if all.iter().all(|one| one.state() != DeliveryState::Pending) { Ok(all) } else { Err(format!("{all:#?}")) }
        })
        .await
    }

    pub(crate) async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut connect(self.database.url()).await).await.unwrap();
    }

    /// Waits until a counter, such as `throughline_notifications_failed_total{channel="webhook"}`, says so: it counts
    /// what has committed.
    pub(crate) async fn counted(&self, series: &str, wanted: u64) {
        eventually(SOON, async || {
            let metrics = self.running.cx.platform.metrics.encode();
            let line = metrics.lines().find_map(|line| line.strip_prefix(series));
            let value: u64 = line.map(|value| value.trim().parse().unwrap()).unwrap_or_default();
            if value == wanted { Ok(()) } else { Err(format!("{series} is {value}")) }
        })
        .await;
    }
}

/// The log that rules would keep.
fn flag_log(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        let mut connection = connect(&cx.platform.options.postgres_url).await;
        let there = sqlx::query("SELECT FROM pg_namespace WHERE nspname = 'rules'").fetch_optional(&mut connection);
        if there.await?.is_none() {
            for statement in ["CREATE SCHEMA rules", "SELECT journal.create_log('rules', 'flag')"] {
                sqlx::query(statement).execute(&mut connection).await?;
            }
        }
        Log::register(cx, "rules", "flag", None);
        Ok(Slice::new("flag log"))
    })
}

async fn make_key(database: &Database, group: &str, scopes: &[&str], rooftops: &[&str]) -> String {
    let key = NewKey::generate();
    let mut connection = connect(database.url()).await;
    sqlx::query("INSERT INTO directory.dealer_group VALUES ($1, $1, now()) ON CONFLICT DO NOTHING")
        .bind(group)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO directory.api_key (key_id, group_id, hash, display_name, scopes, rooftops, sources, created_at)
         VALUES ($1, $2, $3, 'test', $4, $5, '{}', now())",
    )
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

pub(crate) fn asked(route: Route) -> CreateRouteRequest {
    CreateRouteRequest {
        parent: format!("groups/{GROUP}"),
        route: Some(route),
        request_id: String::new(),
        actor: "S17".to_owned(),
    }
}

pub(crate) fn to_webhook(url: &str) -> Route {
    let channel = Some(route::Channel::Webhook(WebhookChannel { url: url.to_owned() }));
    Route { channel, ..Default::default() }
}

pub(crate) fn to_log() -> Route {
    Route { channel: Some(route::Channel::Log(LogChannel {})), ..Default::default() }
}

/// A flag that turned yellow at a minute, as rules would tell of it.
pub(crate) fn yellow(id: &str, opened: i64) -> Flag {
    Flag {
        name: format!("groups/{GROUP}/rooftops/{ROOFTOP}/flags/{id}"),
        kind: "handoff_idle".to_owned(),
        severity: Severity::Yellow.into(),
        subject: Some(Subject::Deal(format!("groups/{GROUP}/rooftops/{ROOFTOP}/deals/D-{id}"))),
        measure: "handoff.fi".to_owned(),
        department: "fi".to_owned(),
        opened_at: Some(pb::time::to_wire(at(opened))),
        facts: vec![Fact { name: "idle_seconds".to_owned(), value: "900".to_owned() }],
        summary: format!("deal 47{id} waits for fi since 15 min, target 15 min"),
        keys: vec![format!("dms:47{id}")],
        revision: 1,
        origin: Origin::Live.into(),
        ..Default::default()
    }
}

/// The same of a deal of which history was recorded at a minute.
pub(crate) fn imported(flag: Flag, minute: i64) -> Flag {
    let history_recorded_at = Some(pb::time::to_wire(at(minute)));
    Flag { history_recorded_at, origin: Origin::Backfill.into(), ..flag }
}

pub(crate) fn red(flag: Flag, minute: i64) -> Flag {
    Flag {
        severity: Severity::Red.into(),
        red_at: Some(pb::time::to_wire(at(minute))),
        revision: flag.revision + 1,
        ..flag
    }
}

pub(crate) fn closed(flag: Flag, minute: i64) -> Flag {
    Flag { closed_at: Some(pb::time::to_wire(at(minute))), revision: flag.revision + 1, ..flag }
}

pub(crate) fn taken(flag: Flag, minute: i64) -> Flag {
    let at = Some(pb::time::to_wire(at(minute)));
    let acknowledgement = Some(Acknowledgement { actor: "S17".to_owned(), at, ..Acknowledgement::default() });
    Flag { acknowledgement, revision: flag.revision + 1, ..flag }
}

/// The same flag in another group or rooftop.
pub(crate) fn elsewhere(flag: Flag, group: &str, rooftop: &str) -> Flag {
    let id = flag.name.rsplit('/').next().unwrap().to_owned();
    let within = format!("groups/{group}/rooftops/{rooftop}");
    Flag {
        name: format!("{within}/flags/{id}"),
        subject: Some(Subject::Deal(format!("{within}/deals/D-{id}"))),
        ..flag
    }
}

/// An entry about a flag, of the flag's own origin.
pub(crate) fn said(flag: Flag) -> NewEntry {
    let origin = flag.origin();
    entry(&flag.name.clone(), origin, Body::Flag(flag))
}

pub(crate) fn never_stood(flag: &Flag) -> NewEntry {
    let retraction = FlagRetraction { name: flag.name.clone(), revision: flag.revision + 1 };
    entry(&flag.name, flag.origin(), Body::FlagRetraction(retraction))
}

fn entry(name: &str, origin: Origin, body: Body) -> NewEntry {
    let name: Vec<&str> = name.split('/').collect();
    NewEntry {
        part: PART,
        group: name[1].to_owned(),
        rooftop: name[3].to_owned(),
        entity: name[5].to_owned(),
        origin,
        actor: String::new(),
        trace: TraceContext { traceparent: TRACE.to_owned(), tracestate: String::new() },
        body: Bytes::from(EntryBody { body: Some(body) }.encode_to_vec()),
    }
}
