//! Traces, as a collector receives them.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use throughline_platform::{
    Options, telemetry,
    trace::{self, TraceContext},
};
use tonic::{Request, Response, Status, transport::Server};
use tracing::Instrument;

use crate::kit::Process;

const TRACE: &str = "7d3f1c2b4a5968770f1e2d3c4b5a6978";

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans =
            request.into_inner().resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans);
        self.0.lock().unwrap().extend(spans.filter(|span| hex(&span.trace_id) == TRACE));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The only test that sends traces: where they go is decided once a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_and_what_it_causes_are_one_trace() {
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(
        Server::builder().add_service(TraceServiceServer::new(collector.clone())).serve_with_incoming(incoming),
    );

    let mut options = Options::for_test("", None);
    (options.otlp_endpoint, options.log_filter) = (Some(endpoint), "off".to_owned());
    let telemetry = telemetry::init("probe", &options).unwrap();

    let process = Process::start().await;
    let mut request = process.ask("broken");
    let sent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    request.metadata_mut().insert("traceparent", sent.parse().unwrap());
    process.client().await.get_heads(request).await.unwrap_err();

    // What an entry of a log carries, and the work that it causes later.
    let entry = TraceContext { traceparent: sent, tracestate: String::new() };
    let span = trace::child_span(&entry, "process event-log");
    trace::link(&span, &trace::context_of(&trace::root_span("batch"), &TraceContext::default()));
    let within = async { trace::current() }.instrument(span.clone()).await;
    assert_eq!(within, trace::context_of(&span, &TraceContext::default()));
    drop(span);

    let unsampled = TraceContext { traceparent: entry.traceparent.replace("-01", "-00"), tracestate: String::new() };
    assert!(trace::child_span(&unsampled, "process event-log").is_disabled());

    let began = tokio::time::Instant::now();
    telemetry.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(3), "the exporter waited for its own runtime");
    let spans = collector.0.lock().unwrap().clone();
    let find =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    let call = find("throughline.log.v1.LogService/GetHeads");
    assert_eq!(hex(&call.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(call.status.as_ref().unwrap().code, 2, "a fault of ours marks its span");
    let work = find("process event-log");
    assert_eq!((hex(&work.parent_span_id).as_str(), work.links.len()), ("00f067aa0ba902b7", 1));
    assert!(within.traceparent.contains(&hex(&work.span_id)));
    process.stop().await;
}
