//! Calls, after the RPC conventions of OpenTelemetry 1.44 (release candidate): rename them here when they become stable.
use std::{borrow::Cow, collections::HashSet, sync::LazyLock, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use prost::Message;
use throughline_proto as pb;

const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Which end of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Server,
    Client,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    rpc_system_name: &'static str,
    rpc_method: String,
    rpc_response_status_code: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trace {
    trace_id: String,
}

type Durations = Family<Call, HistogramWithExemplars<Trace>, fn() -> HistogramWithExemplars<Trace>>;

#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    server: Durations,
    client: Durations,
    pub(crate) in_flight: Gauge,
    pub(crate) open_streams: Gauge,
}

impl Rpc {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let durations = || Durations::new_with_constructor(|| HistogramWithExemplars::new(BUCKETS.into_iter()));
        let rpc = Self {
            server: durations(),
            client: durations(),
            in_flight: Gauge::default(),
            open_streams: Gauge::default(),
        };
        registry.register_with_unit(
            "rpc_server_call_duration",
            "Duration of calls served, gRPC and HTTP, by method and status",
            Unit::Seconds,
            rpc.server.clone(),
        );
        registry.register_with_unit(
            "rpc_client_call_duration",
            "Duration of calls to other services, by method and status",
            Unit::Seconds,
            rpc.client.clone(),
        );
        registry.register("rpc_server_in_flight", "Calls being worked on", rpc.in_flight.clone());
        registry.register("rpc_server_open_streams", "Streams of answers being sent", rpc.open_streams.clone());
        rpc
    }

    /// A call has ended. `method` is `package.Service/Method`, or what an HTTP route is called.
    pub(crate) fn ended(
        &self,
        side: Side,
        system: &'static str,
        method: &str,
        code: Cow<'static, str>,
        took: Duration,
        trace_id: Option<String>,
    ) {
        let call = Call { rpc_system_name: system, rpc_method: method.to_owned(), rpc_response_status_code: code };
        let durations = match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        };
        durations.get_or_create(&call).observe(took.as_secs_f64(), trace_id.map(|trace_id| Trace { trace_id }), None);
    }
}

/// What the descriptors say about methods: a label must not hold whatever path a caller makes up.
pub(crate) struct Methods {
    known: HashSet<String>,
    streaming: HashSet<String>,
}

impl Methods {
    pub(crate) fn get() -> &'static Self {
        static METHODS: LazyLock<Methods> = LazyLock::new(Methods::read);
        &METHODS
    }

    fn read() -> Self {
        let mut methods = Self { known: HashSet::new(), streaming: HashSet::new() };
        for set in [pb::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET] {
            let files = prost_types::FileDescriptorSet::decode(set).unwrap_or_default();
            for file in files.file {
                for service in &file.service {
                    for method in &service.method {
                        let path = format!("{}.{}/{}", file.package(), service.name(), method.name());
                        if method.server_streaming() || method.client_streaming() {
                            methods.streaming.insert(path.clone());
                        }
                        methods.known.insert(path);
                    }
                }
            }
        }
        methods
    }

    /// The label of a path.
    pub(crate) fn label<'p>(&self, path: &'p str) -> &'p str {
        let method = path.strip_prefix('/').unwrap_or(path);
        if self.known.contains(method) { method } else { "_OTHER" }
    }

    /// Whether the answer or the request of a method is a stream: it may stay open for as long as both ends want.
    pub(crate) fn streams(&self, path: &str) -> bool {
        self.streaming.contains(path.strip_prefix('/').unwrap_or(path)) || path.contains("ServerReflection")
    }
}
