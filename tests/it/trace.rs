//! One trace, found by the id that the client sent, shows append -> fold -> rule -> webhook.
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use serde_json::{Value, json};
use throughline_proto::{
    notification::v1::{
        CreateRouteRequest, Route, WebhookChannel, notification_service_client::NotificationServiceClient,
        route::Channel,
    },
    rule::v1::Severity,
};
use throughline_testkit::{Scratch, eventually};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::suite::Suite;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Keeps every span that it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let service = TraceServiceServer::new(collector.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        (collector, address)
    }

    fn of_trace(&self) -> Vec<Span> {
        self.0.lock().unwrap().iter().filter(|span| hex(&span.trace_id) == TRACE).cloned().collect()
    }

    /// Names from the client's span down to the message, if that chain is there.
    fn chain(&self) -> Option<Vec<String>> {
        let spans = self.of_trace();
        let by_id: HashMap<String, &Span> = spans.iter().map(|span| (hex(&span.span_id), span)).collect();
        let mut span = spans.iter().find(|span| span.name == "POST")?;
        let mut names = vec![span.name.clone()];
        loop {
            let parent = hex(&span.parent_span_id);
            if parent == CLIENT_SPAN {
                names.reverse();
                return Some(names);
            }
            span = by_id.get(&parent)?;
            names.push(span.name.clone());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A webhook receiver that keeps what it was told.
async fn receiver() -> (SocketAddr, Arc<Mutex<Vec<(HeaderMap, Value)>>>) {
    let told: Arc<Mutex<Vec<(HeaderMap, Value)>>> = Arc::default();
    let keep = told.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route(
        "/alerts",
        post(move |headers: HeaderMap, body: String| async move {
            keep.lock().unwrap().push((headers, serde_json::from_str(&body).unwrap_or_default()));
        }),
    );
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, told)
}

fn event(id: &str, kind: &str, subject: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//dms.example/A1", "type": kind, "rooftop": "A1", "subject": subject,
           "time": "2026-09-05T15:00:00Z", "data": {"actor": "A1-fi0", "role": "fi_manager"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_client_to_the_webhook() {
    let (collector, otlp) = Collector::start().await;
    let (address, told) = receiver().await;
    let scratch = Scratch::new();
    let endpoint = format!("http://{otlp}");
    let suite =
        Suite::start(scratch.path(), &["--otlp-endpoint", &endpoint, "--clock-start", "2026-09-05T15:00:00Z"]).await;
    assert!(suite.run(&["rooftop", "add", "A1", "--zone", "America/New_York"]).await.status.success());
    let route = Route {
        min_severity: Severity::Yellow.into(),
        channel: Some(Channel::Webhook(WebhookChannel { url: format!("http://{address}/alerts") })),
        ..Route::default()
    };
    NotificationServiceClient::new(suite.channel().await)
        .create_route(suite.keyed(CreateRouteRequest {
            parent: "groups/main".to_owned(),
            route: Some(route),
            ..Default::default()
        }))
        .await
        .unwrap();

    // A car can only be late where some source reports that cars are ready.
    let observed = suite.post_events(&json!([event("1", "deal.vehicle.ready", "D-0")]), None).await;
    assert_eq!(observed["results"][0]["outcome"], "OUTCOME_ACCEPTED", "{observed}");
    let traceparent = format!("00-{TRACE}-{CLIENT_SPAN}-01");
    let signed = suite.post_events(&json!([event("2", "deal.contract.signed", "D-1")]), Some(&traceparent)).await;
    assert_eq!(signed["results"][0]["outcome"], "OUTCOME_ACCEPTED", "{signed}");

    let chain = eventually(Duration::from_secs(30), async || collector.chain()).await;
    // The call itself, then one step a log, then the message.
    assert!(chain[0].contains("/v1/events"), "{chain:?}");
    let steps: Vec<usize> = ["event-log", "deal-log", "flag-log", "POST"]
        .iter()
        .map(|step| {
            chain
                .iter()
                .skip(1)
                .position(|name| name.contains(step))
                .unwrap_or_else(|| panic!("no {step} in {chain:?}"))
        })
        .collect();
    assert!(steps.is_sorted(), "{chain:?}");

    let told = told.lock().unwrap().clone();
    let (headers, message) = told.first().expect("a message was sent, for there is a span of it");
    assert_eq!(message["data"]["kind"], "vehicle_not_ready", "{message}");
    let carried = headers["traceparent"].to_str().unwrap();
    assert!(carried.contains(TRACE), "the receiver goes on with the trace: {carried}");

    // Each step says to which batch it belongs, and nothing of a customer or a key is in any attribute.
    let process = collector.of_trace().into_iter().find(|span| span.name.contains("deal-log")).unwrap();
    assert!(!process.links.is_empty(), "a step links to its batch");
    let text = format!("{:?}", collector.0.lock().unwrap());
    assert!(!text.contains(&suite.key()), "a key is in a span");
    assert!(suite.stop().await.success());
}
