//! A process with a probe of a service, whose behaviour the caller names.
use std::{net::SocketAddr, pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use throughline_platform::{
    Context, Failure, Options, Principal, Slice,
    auth::NewKey,
    db::{Db, Role},
    server::{self, Listeners},
};
use throughline_proto::log::v1::{
    FollowRequest, FollowResponse, GetHeadsRequest, GetHeadsResponse, ListConsumersRequest, ListConsumersResponse,
    ListParkedRequest, ListParkedResponse, RetryParkedRequest, RetryParkedResponse, SubscribeRequest,
    SubscribeResponse, WaitForRequest, WaitForResponse,
    log_service_client::LogServiceClient,
    log_service_server::{LogService, LogServiceServer},
};
use throughline_testkit::Database;
use tokio::task::JoinHandle;
use tonic::{
    Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

/// A migrated database.
pub async fn database() -> Database {
    Database::from_template("platform", async |url| {
        let db = Db::connect(&Options::for_test(url, None)).await.unwrap();
        db.migrate(&[]).await.unwrap();
        db.close().await;
    })
    .await
}

pub async fn db(database: &Database) -> Db {
    Db::connect(&Options::for_test(database.url(), None)).await.unwrap()
}

pub fn of_group(group: &str) -> Principal {
    Principal::service().in_group(&format!("groups/{group}")).unwrap()
}

/// A group with a key of these scopes.
pub async fn key(db: &Db, group: &'static str, scopes: &'static [&'static str]) -> NewKey {
    let key = NewKey::generate();
    let (id, hash) = (key.key_id.clone(), key.hash);
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    db.work(Role::Worker, move |tx| {
        Box::pin(async move {
            sqlx::query("INSERT INTO directory.dealer_group VALUES ($1, $1, now()) ON CONFLICT DO NOTHING")
                .bind(group)
                .execute(tx.conn())
                .await?;
            sqlx::query("INSERT INTO directory.api_key VALUES ($1, $2, $3, 'test', $4, '{}', '{}', now(), NULL)")
                .bind(id)
                .bind(group)
                .bind(hash.as_slice())
                .bind(scopes)
                .execute(tx.conn())
                .await?;
            Ok::<_, Failure>(())
        })
    })
    .await
    .unwrap();
    key
}

/// A process that serves the probe.
pub struct Process {
    pub cx: Context,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub served: JoinHandle<Result<(), Failure>>,
    _database: Database,
}

impl Process {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let database = database().await;
        let mut options = Options::for_test(database.url(), None);
        options.log_filter = "off".to_owned();
        change(&mut options);
        let listeners = Listeners::bind(&options).await.unwrap();
        let (grpc, http) = (listeners.grpc_addr().unwrap(), listeners.http_addr().unwrap());
        let cx = Context::start(options, &listeners, &[]).await.unwrap();
        let routes = axum::Router::new()
            .route(
                "/v1/echo",
                axum::routing::post(|principal: Principal, body: String| async move {
                    format!("{}: {body}", principal.group)
                }),
            )
            .route("/v1/broken", axum::routing::get(async || Err::<(), _>(Failure::internal("a secret of ours"))));
        let slice = Slice::new("probe").grpc(LogServiceServer::new(Probe)).http(routes);
        let served = tokio::spawn(server::serve(cx.clone(), vec![slice], listeners));
        Self { cx, grpc, http, served, _database: database }
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap().connect().await.unwrap()
    }

    pub async fn client(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel().await)
    }

    /// A call as one of our own services.
    pub fn ask(&self, log: &str) -> Request<GetHeadsRequest> {
        self.signed(GetHeadsRequest { log: log.to_owned() })
    }

    pub fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer(&self.cx.options.service_key));
        request
    }

    pub async fn stop(self) {
        self.cx.tasks.stop();
        self.served.await.unwrap().unwrap();
    }
}

pub fn bearer(token: &str) -> MetadataValue<Ascii> {
    format!("Bearer {token}").parse().unwrap()
}

/// Behaves as the name of the log says.
struct Probe;

type Follows = Pin<Box<dyn Stream<Item = Result<FollowResponse, Status>> + Send>>;
type Subscribes = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

#[tonic::async_trait]
impl LogService for Probe {
    type FollowStream = Follows;
    type SubscribeStream = Subscribes;

    async fn get_heads(&self, request: Request<GetHeadsRequest>) -> Result<Response<GetHeadsResponse>, Status> {
        let principal = Principal::of(&request)?;
        match request.get_ref().log.as_str() {
            "panic" => panic!("the probe was told to panic"),
            "slow" => std::future::pending().await,
            "broken" => Err(Failure::internal("a secret of ours").into()),
            "bare" => Err(Status::internal("a bare secret of ours")),
            _ => Ok(Response::new(GetHeadsResponse { consistency_token: principal.group, heads: Vec::new() })),
        }
    }

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Self::FollowStream>, Status> {
        let first = futures::stream::iter([Ok(FollowResponse { cursor: "first".to_owned(), entries: Vec::new() })]);
        let then: Follows = match request.get_ref().log.as_str() {
            "panic" => Box::pin(futures::stream::once(async { panic!("the probe was told to panic") })),
            "broken" => Box::pin(futures::stream::once(async { Err(Status::internal("a bare secret of ours")) })),
            "end" => Box::pin(futures::stream::empty()),
            _ => Box::pin(futures::stream::pending()),
        };
        Ok(Response::new(Box::pin(first.chain(then))))
    }

    async fn subscribe(&self, _: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        Ok(Response::new(Box::pin(futures::stream::pending())))
    }

    async fn wait_for(&self, _: Request<WaitForRequest>) -> Result<Response<WaitForResponse>, Status> {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok(Response::new(WaitForResponse::default()))
    }

    async fn list_consumers(
        &self,
        _: Request<ListConsumersRequest>,
    ) -> Result<Response<ListConsumersResponse>, Status> {
        Ok(Response::new(ListConsumersResponse::default()))
    }

    async fn list_parked(&self, _: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        Ok(Response::new(ListParkedResponse::default()))
    }

    async fn retry_parked(&self, _: Request<RetryParkedRequest>) -> Result<Response<RetryParkedResponse>, Status> {
        Ok(Response::new(RetryParkedResponse::default()))
    }
}
