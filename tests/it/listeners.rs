//! What listens to a suite from outside: a collector of traces, a receiver of webhooks, and who sees what Redis is told.
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, http::HeaderMap, routing::post};
use futures::StreamExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// Keeps the bytes of every export of spans.
#[derive(Clone, Default)]
pub struct Spans(pub Arc<Mutex<Vec<u8>>>);

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
    pub async fn start() -> (Self, SocketAddr) {
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
pub struct Alerts {
    pub url: String,
    pub told: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Alerts {
    pub async fn start() -> Self {
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
pub async fn monitor(url: &str) -> Arc<Mutex<Vec<u8>>> {
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
