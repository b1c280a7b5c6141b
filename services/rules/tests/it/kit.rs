//! A process with the rules service, and a deal log into which the test writes as deal-state would.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use pb::{
    deal::v1::{
        Closing, Deal, DealException, DealKey, DealRetraction, EventRef, FeedState, Interval, IntervalKind,
        IntervalState, ReportedStep,
    },
    event::v1::{Event, Origin, TimeBound, TimeQuality},
    log::v1::{EntryBody, TraceContext, entry_body::Body, log_service_client::LogServiceClient},
    rule::v1::{
        Flag, Floor, GetFloorRequest, ListFlagsRequest, floor_service_client::FloorServiceClient,
        rule_service_client::RuleServiceClient,
    },
    tenant::v1::Rooftop,
};
use prost::Message;
use sqlx::Row;
use throughline_journal::{
    Context, Log, NewEntry,
    host::{self, Running, Service},
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
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Minutes after ten o'clock of the test's day.
pub(crate) fn at(minute: i64) -> Timestamp {
    "2026-09-07T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) hand: ManualHand,
    pub(crate) database: Database,
    deals: Log,
    admin: String,
}

/// Who completes the deal log.
#[derive(Clone, Copy)]
pub(crate) enum Upstream {
    /// The clock.
    Nobody,
    /// A consumer whose watermark the test writes.
    Test,
}

pub(crate) type Rules = RuleServiceClient<InterceptedService<Channel, Bearer>>;
pub(crate) type Floors = FloorServiceClient<InterceptedService<Channel, Bearer>>;

#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Desk {
    /// At ten o'clock, with one rooftop.
    pub(crate) async fn open() -> Self {
        Self::open_with(Upstream::Nobody).await
    }

    pub(crate) async fn open_with(upstream: Upstream) -> Self {
        let desk = Self::start(Database::create().await, at(0), upstream).await;
        desk.tell(rooftop(ROOFTOP)).await;
        desk
    }

    async fn start(database: Database, now: Timestamp, upstream: Upstream) -> Self {
        let (clock, hand) = Clock::manual(now);
        let options = Options::for_test(database.url(), None);
        let log = Service {
            migrations: None,
            start: match upstream {
                Upstream::Nobody => deal_log,
                Upstream::Test => deal_log_of_the_test,
            },
        };
        let services = [log, throughline_rules::SERVICE];
        let running = host::start_with(options, Some(clock), &services).await.unwrap();
        let deals = running.cx.logs.log("deal").unwrap();
        let admin = make_key(&database, GROUP, &["admin"], &[]).await;
        Self { running, hand, database, deals, admin }
    }

    /// The process ends and another one takes over, on the same database and at the same time of day.
    pub(crate) async fn restart(self) -> Self {
        let now = self.running.cx.platform.clock.now();
        self.restart_at(now).await
    }

    /// The same with a clock that shows another time.
    pub(crate) async fn restart_at(self, now: Timestamp) -> Self {
        self.running.stop().await.unwrap();
        Self::start(self.database, now, Upstream::Nobody).await
    }

    /// Another process that serves the deal log, with a clock of its own.
    pub(crate) async fn beside(&self, clock: Clock) -> Running {
        let options = Options::for_test(self.database.url(), None);
        let log = Service { migrations: None, start: deal_log };
        host::start_with(options, Some(clock), &[log]).await.unwrap()
    }

    /// Appends what deal-state would say, and answers with a consistency token.
    pub(crate) async fn tell(&self, entry: NewEntry) -> String {
        self.tell_all(vec![entry]).await
    }

    /// The same for several entries of one part in one commit.
    pub(crate) async fn tell_all(&self, entries: Vec<NewEntry>) -> String {
        let (log, now, part) = (self.deals.clone(), self.running.cx.platform.clock.now(), entries[0].part);
        let write = self
            .running
            .cx
            .platform
            .db
            .work(Role::Appender, move |tx| Box::pin(async move { log.append(tx, now, entries).await }));
        let appended = write.await.unwrap();
        self.deals.wake([part]);
        self.deals.token(&[(part, appended.last().unwrap().position)])
    }

    pub(crate) fn client(&self) -> Rules {
        self.client_of(&self.admin)
    }

    pub(crate) fn client_of(&self, token: &str) -> Rules {
        let address = format!("http://{}", self.running.grpc_addr);
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        RuleServiceClient::with_interceptor(channel, Bearer(format!("Bearer {token}").parse().unwrap()))
    }

    /// What administrators ask about followers.
    pub(crate) fn logs(&self) -> LogServiceClient<InterceptedService<Channel, Bearer>> {
        let address = format!("http://{}", self.running.grpc_addr);
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        LogServiceClient::with_interceptor(channel, Bearer(format!("Bearer {}", self.admin).parse().unwrap()))
    }

    pub(crate) fn floors_of(&self, token: &str) -> Floors {
        let address = format!("http://{}", self.running.grpc_addr);
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        FloorServiceClient::with_interceptor(channel, Bearer(format!("Bearer {token}").parse().unwrap()))
    }

    pub(crate) fn floors(&self) -> Floors {
        self.floors_of(&self.admin)
    }

    /// The floor of a rooftop as an administrator sees it.
    pub(crate) async fn floor(&self, rooftop: &str, at_least: &str) -> Floor {
        let request = GetFloorRequest { name: floor_name(rooftop), at_least: at_least.to_owned() };
        self.floors().get_floor(request).await.unwrap().into_inner()
    }

    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query(statement).fetch_one(&mut connect(self.database.url()).await).await.unwrap().get(0)
    }

    pub(crate) async fn key(&self, group: &str, scopes: &[&str], rooftops: &[&str]) -> String {
        make_key(&self.database, group, scopes, rooftops).await
    }

    /// All flags of the group, closed ones too.
    pub(crate) async fn flags(&self, at_least: &str) -> Vec<Flag> {
        let request = ListFlagsRequest {
            parent: format!("groups/{GROUP}"),
            show_closed: true,
            at_least: at_least.to_owned(),
            ..Default::default()
        };
        self.client().list_flags(request).await.unwrap().into_inner().flags
    }

    /// Waits for flags that satisfy a condition.
    pub(crate) async fn flags_once(&self, wanted: impl Fn(&[Flag]) -> bool) -> Vec<Flag> {
        eventually(SOON, async || {
            let flags = self.flags("").await;
            if wanted(&flags) { Ok(flags) } else { Err(format!("{flags:#?}")) }
        })
        .await
    }

    /// Moves the clock and waits until all that was to happen by then has happened.
    pub(crate) async fn pass(&self, to: Timestamp) {
        self.hand.set(to);
        self.judged(to).await;
    }

    pub(crate) async fn judged(&self, until: Timestamp) {
        eventually(SOON, async || {
            let mut connection = connect(self.database.url()).await;
            let row = sqlx::query("SELECT until FROM rules.watermark WHERE consumer = 'rules' AND part = $1")
                .bind(PART as i16)
                .fetch_optional(&mut connection)
                .await
                .unwrap();
            let reached = row.map(|row| row.get::<throughline_platform::jiff_sqlx::Timestamp, _>(0).to_jiff());
            if reached.is_some_and(|reached| reached >= until) { Ok(()) } else { Err(format!("{reached:?}")) }
        })
        .await
    }

    /// What the flag log says, in order, with the trace that it belongs to.
    pub(crate) async fn log(&self) -> Vec<(Body, String)> {
        let mut connection = connect(self.database.url()).await;
        let rows = sqlx::query("SELECT body, traceparent FROM rules.flag_log WHERE part = $1 ORDER BY pos")
            .bind(PART as i16)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let entry = |row: &sqlx::postgres::PgRow| {
            let body = EntryBody::decode(row.get::<&[u8], _>(0)).unwrap().body.unwrap();
            (body, row.get::<String, _>(1))
        };
        rows.iter().map(entry).collect()
    }

    pub(crate) async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut connect(self.database.url()).await).await.unwrap();
    }
}

fn deal_log(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    make_log(cx, None)
}

fn deal_log_of_the_test(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    make_log(cx, Some("deal-state"))
}

/// The log that deal-state would keep.
fn make_log<'a>(cx: &'a Context, upstream: Option<&'static str>) -> BoxFuture<'a, Result<Slice, Failure>> {
    Box::pin(async move {
        let mut connection = connect(&cx.platform.options.postgres_url).await;
        let there =
            sqlx::query("SELECT FROM pg_namespace WHERE nspname = 'deal_state'").fetch_optional(&mut connection);
        if there.await?.is_none() {
            for statement in [
                "CREATE SCHEMA deal_state",
                "SELECT journal.create_log('deal_state', 'deal')",
                "SELECT journal.create_consumer('deal_state')",
            ] {
                sqlx::query(statement).execute(&mut connection).await?;
            }
        }
        Log::register(cx, "deal_state", "deal", upstream);
        Ok(Slice::new("deal log"))
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

fn entry(group: &str, rooftop: &str, entity: &str, origin: Origin, body: Body) -> NewEntry {
    NewEntry {
        part: PART,
        group: group.to_owned(),
        rooftop: rooftop.to_owned(),
        entity: entity.to_owned(),
        origin,
        actor: String::new(),
        trace: TraceContext { traceparent: TRACE.to_owned(), tracestate: String::new() },
        body: Bytes::from(EntryBody { body: Some(body) }.encode_to_vec()),
    }
}

pub(crate) fn rooftop(id: &str) -> NewEntry {
    rooftop_of(GROUP, Rooftop { name: format!("groups/{GROUP}/rooftops/{id}"), ..Default::default() })
}

pub(crate) fn rooftop_of(group: &str, rooftop: Rooftop) -> NewEntry {
    let id = rooftop.name.rsplit('/').next().unwrap().to_owned();
    let rooftop = Rooftop { zone: "America/New_York".to_owned(), part: PART.into(), ..rooftop };
    entry(group, &id, "rooftop", Origin::Live, Body::Rooftop(rooftop))
}

pub(crate) fn floor_name(rooftop: &str) -> String {
    format!("groups/{GROUP}/rooftops/{rooftop}/floor")
}

/// What deal-state passes on of an event of no deal.
pub(crate) fn passed_on(rooftop: &str, event: Event) -> NewEntry {
    entry(GROUP, rooftop, "store", Origin::Live, Body::Event(event))
}

/// An event of no deal at a minute; its ID is what it says.
pub(crate) fn event(event_type: &str, actor: &str, role: &str, minute: i64) -> Event {
    Event {
        id: format!("{event_type} {actor} {minute}"),
        source: "//staff.example".to_owned(),
        r#type: event_type.to_owned(),
        actor: actor.to_owned(),
        role: role.to_owned(),
        time: Some(exactly(minute)),
        ..Default::default()
    }
}

/// What deal-state says of a source that was last heard from at a minute, reports these steps, and is expected every two
/// minutes: it is stale after eight.
pub(crate) fn feed(source: &str, heard: i64, steps: &[&str]) -> NewEntry {
    let wire = |minute| Some(pb::time::to_wire(at(minute)));
    let step = |step: &&str| ReportedStep { event_type: (*step).to_owned(), last_reported_at: wire(heard) };
    let state = FeedState {
        rooftop: ROOFTOP.to_owned(),
        source: source.to_owned(),
        last_arrival_at: wire(heard),
        expected_interval: Some(prost_types::Duration { seconds: 120, nanos: 0 }),
        stale_at: wire(heard + 8),
        reports: steps.iter().map(step).collect(),
    };
    entry(GROUP, ROOFTOP, "feed", Origin::Live, Body::Feed(state))
}

/// A stage of a department that stands since a minute.
pub(crate) fn stage(name: &str, department: &str, minute: i64) -> Interval {
    Interval {
        id: format!("stage.{name}"),
        kind: IntervalKind::Stage.into(),
        name: name.to_owned(),
        owner_department: department.to_owned(),
        actor: "S1".to_owned(),
        start: Some(exactly(minute)),
        state: IntervalState::Open.into(),
        end_observed: true,
        founded_by: vec![founded(name)],
        ..Default::default()
    }
}

pub(crate) fn deal_name(id: &str) -> String {
    format!("groups/{GROUP}/rooftops/{ROOFTOP}/deals/{id}")
}

/// A deal as deal-state knew it at a minute.
pub(crate) fn deal(id: &str, known_at: i64, intervals: Vec<Interval>) -> Deal {
    Deal {
        name: deal_name(id),
        keys: vec![DealKey { kind: "subject".to_owned(), scope: "crm".to_owned(), value: format!("RT001-{id}") }],
        intervals,
        revision: 1,
        definition_version: "retail-deal@1".to_owned(),
        recorded_at: Some(pb::time::to_wire(at(known_at))),
        ..Default::default()
    }
}

pub(crate) fn said(deal: Deal) -> NewEntry {
    said_as(Origin::Live, deal)
}

pub(crate) fn said_as(origin: Origin, deal: Deal) -> NewEntry {
    let name: Vec<&str> = deal.name.split('/').collect();
    let (group, rooftop, id) = (name[1].to_owned(), name[3].to_owned(), name[5].to_owned());
    entry(&group, &rooftop, &id, origin, Body::Deal(Deal { origin: origin.into(), ..deal }))
}

pub(crate) fn taken_back(id: &str) -> NewEntry {
    taken_over(id, "")
}

/// A deal stands under the name of another from now on.
pub(crate) fn taken_over(id: &str, survivor: &str) -> NewEntry {
    let survivor = if survivor.is_empty() { String::new() } else { deal_name(survivor) };
    let retraction = DealRetraction { name: deal_name(id), survivor, revision: 2 };
    entry(GROUP, ROOFTOP, id, Origin::Live, Body::DealRetraction(retraction))
}

/// The handoff to F&I: offered and perhaps accepted, in minutes.
pub(crate) fn fi(offered: i64, accepted: Option<i64>) -> Interval {
    fi_of("agreed", offered, accepted)
}

/// The same, founded by this event.
pub(crate) fn fi_of(event: &str, offered: i64, accepted: Option<i64>) -> Interval {
    let (state, closing) = match accepted {
        Some(_) => (IntervalState::Ended, Closing::Reported),
        None => (IntervalState::Open, Closing::Unspecified),
    };
    Interval {
        id: format!("handoff.fi.{event}"),
        kind: IntervalKind::Handoff.into(),
        name: "fi".to_owned(),
        owner_department: "fi".to_owned(),
        offered_by_department: "desk".to_owned(),
        start: Some(exactly(offered)),
        end: accepted.map(exactly),
        state: state.into(),
        closing: closing.into(),
        end_observed: true,
        founded_by: vec![founded(event)],
        ..Default::default()
    }
}

fn founded(event: &str) -> EventRef {
    EventRef { source: "crm".to_owned(), id: event.to_owned() }
}

pub(crate) fn exception(kind: &str, minute: i64) -> DealException {
    DealException {
        id: format!("{kind}#0"),
        kind: kind.to_owned(),
        detail: "seen by a test".to_owned(),
        at: Some(pb::time::to_wire(at(minute))),
        founded_by: vec![founded(kind)],
        ..Default::default()
    }
}

fn exactly(minute: i64) -> TimeBound {
    let instant = Some(pb::time::to_wire(at(minute)));
    TimeBound { earliest: instant, latest: instant, quality: TimeQuality::Exact.into() }
}

/// The trace in which the test's entries stand.
pub(crate) fn trace_id() -> &'static str {
    &TRACE[3..35]
}
