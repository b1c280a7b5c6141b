//! Logs to stderr, traces to a collector.
mod line;

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{LevelFilter, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{Failure, Options, options::LogFormat, trace};

/// Sends what is left when the process ends.
#[must_use = "traces that were not sent are lost without a shutdown"]
#[derive(Debug)]
pub struct Guard(Option<SdkTracerProvider>);

/// Begins to log and to trace, as the options say; call it inside tokio, once a process.
pub fn init(service: &str, options: &Options) -> Result<Guard, Failure> {
    let filter = EnvFilter::try_new(&options.log_filter)
        .map_err(|error| Failure::invalid("log_filter", format!("{:?}: {error}", options.log_filter)))?;
    let lines = match options.log_format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .event_format(line::Json::new(service))
            .fmt_fields(tracing_subscriber::fmt::format::DefaultFields::new())
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter).boxed(),
    };
    let provider = options.otlp_endpoint.as_deref().map(|endpoint| provider(service, endpoint)).transpose()?;
    // Spans are made whatever the filter of the log says; those of libraries are theirs.
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("throughline")).with_filter(
            filter_fn(|meta| meta.is_span() && meta.target().starts_with("throughline"))
                .with_max_level_hint(LevelFilter::INFO),
        )
    });
    tracing_subscriber::registry()
        .with(spans)
        .with(lines)
        .try_init()
        .map_err(|error| Failure::precondition(format!("logging was set up before: {error}")))?;
    if provider.is_some() {
        trace::sending();
    }
    log_panics();
    Ok(Guard(provider))
}

impl Guard {
    /// Sends the last spans, within a few seconds.
    pub async fn shutdown(self) {
        let Some(provider) = self.0 else { return };
        // Inside an async task the exporter would wait for the very runtime that it blocks, until its timeout.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(Duration::from_secs(5))).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the exporter of traces ended badly"),
        }
    }
}

fn provider(service: &str, endpoint: &str) -> Result<SdkTracerProvider, Failure> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| Failure::invalid("otlp_endpoint", format!("{endpoint:?}: {error}")))?;
    let resource = Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.namespace", "throughline"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    // The default sampler follows the parent and takes everything that has none.
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// A panic is a line like any other: with the trace id of the call that it ended.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = crate::tasks::panic_text(panic.payload());
        tracing::error!(at, said, "a panic");
    }));
}
