//! A process with ingestion alone, whose clock stands still, and callers of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use serde_json::Value;
use sqlx::Row;
use throughline_journal::host::{self, Running};
use throughline_platform::{
    Options,
    clock::{Clock, ManualHand},
    db::Db,
};
use throughline_proto::{
    cloudevents::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    event::v1::Event,
    ingestion::v1::{
        AppendEventsRequest, AppendEventsResponse, EventResult, decision_service_client::DecisionServiceClient,
        hook_service_client::HookServiceClient, import_service_client::ImportServiceClient,
        ingestion_service_client::IngestionServiceClient,
    },
    log::v1::{EntryBody, entry_body::Body},
    longrunning::operations_client::OperationsClient,
    tenant::v1::{
        ApiKey, CreateApiKeyRequest, CreateGroupRequest, CreateRooftopRequest, Rooftop,
        directory_service_client::DirectoryServiceClient,
    },
};
use throughline_testkit::Database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

pub const NOW: &str = "2026-09-07T12:00:00Z";
pub const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The process under test.
pub struct Suite {
    pub running: Running,
    pub hand: ManualHand,
    pub database: Database,
    channel: Channel,
}

/// Adds a bearer token to each call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        request.metadata_mut().insert("traceparent", TRACE.parse().unwrap());
        Ok(request)
    }
}

pub type Events = IngestionServiceClient<InterceptedService<Channel, Bearer>>;
pub type Decisions = DecisionServiceClient<InterceptedService<Channel, Bearer>>;
pub type Hooks = HookServiceClient<InterceptedService<Channel, Bearer>>;
pub type Imports = ImportServiceClient<InterceptedService<Channel, Bearer>>;
pub type Operations = OperationsClient<InterceptedService<Channel, Bearer>>;
pub type Directory = DirectoryServiceClient<InterceptedService<Channel, Bearer>>;

impl Suite {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let database = Database::from_template("ingestion", async |url| {
            let db = Db::connect(&Options::for_test(url, None)).await.unwrap();
            db.migrate(&[throughline_journal::MIGRATIONS, throughline_ingestion::MIGRATIONS]).await.unwrap();
            db.close().await;
        })
        .await;
        let (clock, hand) = Clock::manual(NOW.parse().unwrap());
        let mut options = Options::for_test(database.url(), None);
        change(&mut options);
        let running = host::start_with(options, Some(clock), &[throughline_ingestion::SERVICE]).await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", running.grpc_addr)).unwrap().connect_lazy();
        Self { running, hand, database, channel }
    }

    fn call(&self, token: &str) -> InterceptedService<Channel, Bearer> {
        InterceptedService::new(self.channel.clone(), Bearer(format!("Bearer {token}").parse().unwrap()))
    }

    pub fn events(&self, token: &str) -> Events {
        IngestionServiceClient::new(self.call(token))
    }

    pub fn decisions(&self, token: &str) -> Decisions {
        DecisionServiceClient::new(self.call(token))
    }

    pub fn imports(&self, token: &str) -> Imports {
        ImportServiceClient::new(self.call(token))
    }

    pub fn operations(&self, token: &str) -> Operations {
        OperationsClient::new(self.call(token))
    }

    pub fn directory(&self, token: &str) -> Directory {
        DirectoryServiceClient::new(self.call(token))
    }

    /// The directory for our own services.
    pub fn internal(&self) -> Directory {
        self.directory(&self.running.cx.platform.options.service_key)
    }

    /// A group, and the key of its administrator.
    pub async fn group(&self, id: &str) -> String {
        let request = CreateGroupRequest { group_id: id.into(), display_name: id.into() };
        self.internal().create_group(request).await.unwrap().into_inner().admin_secret
    }

    pub async fn rooftop(&self, admin: &str, group: &str, id: &str) -> Rooftop {
        let rooftop = Rooftop { zone: "America/New_York".into(), ..Rooftop::default() };
        self.directory(admin).create_rooftop(create(group, id, rooftop)).await.unwrap().into_inner()
    }

    /// The group `summit` with the rooftop `north`.
    pub async fn summit(&self) -> String {
        let admin = self.group("summit").await;
        self.rooftop(&admin, "summit", "north").await;
        admin
    }

    /// A key of `summit`.
    pub async fn key(&self, admin: &str, scopes: &[&str], rooftops: &[&str], sources: &[&str]) -> String {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let api_key =
            ApiKey { scopes: owned(scopes), rooftops: owned(rooftops), sources: owned(sources), ..ApiKey::default() };
        let request =
            CreateApiKeyRequest { parent: "groups/summit".into(), api_key: Some(api_key), actor: String::new() };
        self.directory(admin).create_api_key(request).await.unwrap().into_inner().secret
    }

    pub async fn append(&self, token: &str, events: Vec<CloudEvent>) -> AppendEventsResponse {
        self.events(token)
            .append_events(AppendEventsRequest { events, ..AppendEventsRequest::default() })
            .await
            .unwrap()
            .into_inner()
    }

    /// The hooks of groups, for a key.
    pub fn hooks(&self, token: &str) -> Hooks {
        HookServiceClient::new(self.call(token))
    }

    /// Posts over HTTP and answers with the status and the JSON.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.running.http_addr).await.unwrap();
        let mut request =
            format!("POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        // A server that refuses a body need not read it.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Every entry of the log by part, in order of positions.
    pub async fn log(&self) -> BTreeMap<i16, Vec<Logged>> {
        let mut db = throughline_testkit::connect(self.database.url()).await;
        let rows = sqlx::query(
            "SELECT part, pos, recorded_at::text, rooftop, entity, origin, actor, traceparent, body \
             FROM ingestion.event_log ORDER BY part, pos",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let mut log: BTreeMap<i16, Vec<Logged>> = BTreeMap::new();
        for row in rows {
            log.entry(row.get(0)).or_default().push(Logged {
                position: row.get(1),
                rooftop: row.get(3),
                entity: row.get(4),
                origin: row.get(5),
                actor: row.get(6),
                traceparent: row.get(7),
                body: EntryBody::decode(row.get::<&[u8], _>(8)).unwrap().body.unwrap(),
            });
        }
        log
    }

    /// All events of the log.
    pub async fn logged_events(&self) -> Vec<Event> {
        let entries = self.log().await.into_values().flatten();
        entries
            .filter_map(|entry| match entry.body {
                Body::Event(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    /// How the events of the log came in.
    pub async fn event_origins(&self) -> Vec<i16> {
        let entries = self.log().await.into_values().flatten();
        entries.filter(|entry| matches!(entry.body, Body::Event(_))).map(|entry| entry.origin).collect()
    }

    /// A number that a query of the superuser answers with.
    pub async fn count(&self, query: &'static str) -> i64 {
        let mut db = throughline_testkit::connect(self.database.url()).await;
        sqlx::query_scalar(query).fetch_one(&mut db).await.unwrap()
    }
}

/// An entry as it is stored.
#[derive(Debug)]
pub struct Logged {
    pub position: i64,
    pub rooftop: String,
    pub entity: String,
    pub origin: i16,
    pub actor: String,
    pub traceparent: String,
    pub body: Body,
}

pub fn create(group: &str, id: &str, rooftop: Rooftop) -> CreateRooftopRequest {
    CreateRooftopRequest {
        parent: format!("groups/{group}"),
        rooftop_id: id.into(),
        rooftop: Some(rooftop),
        ..CreateRooftopRequest::default()
    }
}

/// A sound event of `north`, an hour old.
pub fn event(id: &str) -> CloudEvent {
    let event = CloudEvent {
        id: id.into(),
        source: "//dms.example/north".into(),
        spec_version: "1.0".into(),
        r#type: "deal.opened".into(),
        data: Some(Data::TextData(r#"{"actor":"n-s0","role":"salesperson"}"#.into())),
        ..CloudEvent::default()
    };
    let event = with(event, "rooftop", "north");
    with(with(event, "subject", "D1"), "time", "2026-09-07T11:00:00Z")
}

pub fn with(mut event: CloudEvent, attribute: &str, value: &str) -> CloudEvent {
    let value = CloudEventAttributeValue { attr: Some(Attr::CeString(value.into())) };
    event.attributes.insert(attribute.into(), value);
    event
}

pub fn with_data(event: CloudEvent, json: &str) -> CloudEvent {
    CloudEvent { data: Some(Data::TextData(json.into())), ..event }
}

/// An answer for one event on a few lines, for snapshots.
pub fn shown(result: &EventResult) -> String {
    use tonic_types::StatusExt;
    let mut text = format!("{} {}", result.id, result.outcome().as_str_name());
    if let Some(status) = &result.status {
        let status =
            Status::with_details(tonic::Code::from(status.code), status.message.clone(), status.encode_to_vec().into());
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        text += &format!("\n  {:?} {} {}: {}", status.code(), info.domain, info.reason, status.message());
        let mut metadata: Vec<_> = info.metadata.iter().collect();
        metadata.sort();
        for (name, value) in metadata {
            text += &format!("\n  {name}={value}");
        }
        for violation in details.bad_request().map_or(&[][..], |bad| &bad.field_violations) {
            text += &format!("\n  {}: {}", violation.field, violation.description);
        }
    }
    if !result.dropped_fields.is_empty() {
        text += &format!("\n  dropped {}", result.dropped_fields.join(", "));
    }
    text
}

pub fn all_shown(results: &[EventResult]) -> String {
    results.iter().map(shown).collect::<Vec<_>>().join("\n")
}

pub fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
