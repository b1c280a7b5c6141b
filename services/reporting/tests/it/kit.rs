//! A process with reporting and a log of deals that a test writes.
use std::sync::OnceLock;

use futures::future::BoxFuture;
use jiff::Timestamp;
use prost::Message;
use sqlx::migrate::Migrator;
use throughline_journal::{
    Context, Log, NewEntry,
    host::{self, Running, Service},
};
use throughline_platform::{
    Failure, Migrations, Options, Slice,
    auth::NewKey,
    db::{Db, Role},
};
use throughline_proto::{
    event::v1::Origin,
    log::v1::{EntryBody, TraceContext, entry_body::Body},
    report::v1::{
        Dimension, GetReportRequest, ListDealWaitsRequest, ListDealWaitsResponse, MeasureRow, Report,
        report_service_client::ReportServiceClient,
    },
};
use throughline_testkit::Database;
use tonic::{Request, Status, transport::Channel};

static MIGRATOR: Migrator = sqlx::migrate!("tests/it/deal_log");
static DEAL_LOG: Migrations = Migrations { schema: "deal_state", migrator: &MIGRATOR };
const SERVICES: [Service; 2] =
    [Service { migrations: Some(&DEAL_LOG), start: start_deal_log }, throughline_reporting::SERVICE];

fn start_deal_log(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        Log::register(cx, "deal_state", "deal", None);
        Ok(Slice::new("deal-state"))
    })
}

/// A rooftop of a group; its part follows from nothing but the test's wish.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    pub group: &'static str,
    pub rooftop: &'static str,
    pub part: u16,
}

pub const NORTH: Store = Store { group: "summit", rooftop: "north", part: 7 };
pub const SOUTH: Store = Store { group: "summit", rooftop: "south", part: 200 };

/// The process under test.
pub struct Suite {
    pub running: Running,
    pub database: Database,
    channel: Channel,
    log: Log,
    token: OnceLock<String>,
}

impl Suite {
    pub async fn start() -> Self {
        let database = Database::from_template("reporting", async |url| {
            let db = Db::connect(&Options::for_test(url, None)).await.unwrap();
            let schemas = [throughline_journal::MIGRATIONS, DEAL_LOG, throughline_reporting::MIGRATIONS];
            db.migrate(&schemas).await.unwrap();
            db.close().await;
        })
        .await;
        let running = host::start(Options::for_test(database.url(), None), &SERVICES).await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", running.grpc_addr)).unwrap().connect_lazy();
        let log = running.cx.logs.log("deal").unwrap();
        Self { running, database, channel, log, token: OnceLock::new() }
    }

    /// Appends bodies about one entity, and answers with the token that stands for them.
    pub async fn tell(&self, store: Store, bodies: impl IntoIterator<Item = Body>) -> String {
        let entries: Vec<NewEntry> = bodies.into_iter().map(|body| entry(store, body)).collect();
        let (log, now) = (self.log.clone(), self.running.cx.platform.clock.now());
        let db = &self.running.cx.platform.db;
        let appended = db
            .work(Role::Appender, move |tx| Box::pin(async move { log.append(tx, now, entries).await }))
            .await
            .unwrap();
        self.log.wake([store.part]);
        self.log.token(&[(store.part, appended.last().unwrap().position)])
    }

    /// A bearer token of a key of the group.
    pub async fn key(&self, group: &'static str, rooftops: &[&str], scopes: &[&str]) -> String {
        let key = NewKey::generate();
        let mut db = throughline_testkit::connect(self.database.url()).await;
        sqlx::query("INSERT INTO directory.dealer_group VALUES ($1, $1, now()) ON CONFLICT DO NOTHING")
            .bind(group)
            .execute(&mut db)
            .await
            .unwrap();
        sqlx::query("INSERT INTO directory.api_key VALUES ($1, $2, $3, 'test', $4, $5, '{}', now(), NULL)")
            .bind(&key.key_id)
            .bind(group)
            .bind(key.hash.as_slice())
            .bind(scopes)
            .bind(rooftops)
            .execute(&mut db)
            .await
            .unwrap();
        key.token
    }

    /// A reader of the whole group `summit`.
    pub async fn reader(&self) -> String {
        match self.token.get() {
            Some(token) => token.clone(),
            None => {
                let token = self.key("summit", &[], &["read"]).await;
                self.token.get_or_init(|| token).clone()
            }
        }
    }

    pub async fn report_as(&self, key: &str, request: GetReportRequest) -> Result<Report, Status> {
        let answer = ReportServiceClient::new(self.channel.clone()).get_report(signed(key, request)).await?;
        Ok(answer.into_inner())
    }

    /// The whole group's report as of `at_least`, cut like this.
    pub async fn report(&self, by: &[Dimension], at_least: &str) -> Report {
        let by = by.iter().map(|dimension| *dimension as i32).collect();
        let request = GetReportRequest {
            parent: "groups/summit".to_owned(),
            by,
            at_least: at_least.to_owned(),
            ..Default::default()
        };
        self.report_as(&self.reader().await, request).await.unwrap()
    }

    pub async fn waits_as(&self, key: &str, request: ListDealWaitsRequest) -> Result<ListDealWaitsResponse, Status> {
        let answer = ReportServiceClient::new(self.channel.clone())
            .max_decoding_message_size(16 * 1024 * 1024)
            .list_deal_waits(signed(key, request))
            .await?;
        Ok(answer.into_inner())
    }

    pub async fn waits(&self, page_size: i32, page_token: &str, at_least: &str) -> ListDealWaitsResponse {
        let request = ListDealWaitsRequest {
            parent: "groups/summit".to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            at_least: at_least.to_owned(),
        };
        self.waits_as(&self.reader().await, request).await.unwrap()
    }
}

fn signed<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

fn entry(store: Store, body: Body) -> NewEntry {
    let entity = match &body {
        Body::Deal(deal) => deal.name.rsplit('/').next().unwrap_or_default().to_owned(),
        Body::DealRetraction(retraction) => retraction.name.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => "rooftop".to_owned(),
    };
    NewEntry {
        part: store.part,
        group: store.group.to_owned(),
        rooftop: store.rooftop.to_owned(),
        entity,
        origin: Origin::Live,
        actor: String::new(),
        trace: TraceContext::default(),
        body: EntryBody { body: Some(body) }.encode_to_vec().into(),
    }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The only row of a measure.
#[track_caller]
pub fn only<'r>(report: &'r Report, measure: &str) -> &'r MeasureRow {
    let rows: Vec<_> = report.measures.iter().filter(|row| row.measure == measure).collect();
    assert_eq!(rows.len(), 1, "rows of {measure}: {report:#?}");
    rows[0]
}
