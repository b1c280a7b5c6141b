//! What is counted, for `/metrics` (OpenMetrics). Names of the semantic conventions live here alone; no label names a tenant.
mod rpc;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{encoding::text::encode, registry::Registry};

pub(crate) use rpc::{Methods, Rpc, Side};

/// The registry of this process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    rpc: Rpc,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Content type of what [`Metrics::encode`] gives.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// With the metrics of calls.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let rpc = Rpc::register(&mut registry);
        Self(Arc::new(Inner { registry: Mutex::new(registry), rpc }))
    }

    /// Registers the metrics of a part of the process; once each.
    pub fn register<T>(&self, part: impl FnOnce(&mut Registry) -> T) -> T {
        part(&mut self.0.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything, as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let registry = self.0.registry.lock().unwrap_or_else(PoisonError::into_inner);
        match encode(&mut text, &registry) {
            Ok(()) => text,
            // Writing to a string does not fail; a metric that can't be written must not end as half a page.
            Err(fmt::Error) => String::new(),
        }
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        &self.0.rpc
    }
}
