//! What a slice is composed from, and what this process serves of logs and consumers.
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use throughline_platform as platform;

use crate::{Log, consumer::Consumer, metrics::JournalMetrics};

/// Everything that a service is given when it starts.
#[derive(Clone)]
pub struct Context {
    pub platform: platform::Context,
    pub logs: Logs,
}

impl Context {
    /// One a process: its registry of logs and consumers is what `LogService` serves.
    pub fn new(platform: platform::Context) -> Self {
        let logs = Logs(Arc::new(Registry {
            metrics: JournalMetrics::register(&platform.metrics),
            logs: RwLock::default(),
            consumers: RwLock::default(),
        }));
        Self { platform, logs }
    }
}

/// The logs and the consumers of this process.
#[derive(Clone)]
pub struct Logs(Arc<Registry>);

struct Registry {
    metrics: JournalMetrics,
    logs: RwLock<BTreeMap<&'static str, Log>>,
    consumers: RwLock<BTreeMap<&'static str, Arc<Consumer>>>,
}

impl Logs {
    /// The log of that name, if this process owns it.
    pub fn log(&self, name: &str) -> Option<Log> {
        self.0.logs.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The log that a schema's service writes, if this process owns it.
    pub(crate) fn log_of(&self, schema: &str) -> Option<Log> {
        let logs = self.0.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.values().find(|log| log.schema() == schema).cloned()
    }

    pub(crate) fn logs(&self) -> Vec<Log> {
        self.0.logs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn add_log(&self, log: &Log) {
        self.0.logs.write().unwrap_or_else(PoisonError::into_inner).insert(log.name(), log.clone());
    }

    pub(crate) fn consumer(&self, name: &str) -> Option<Arc<Consumer>> {
        self.0.consumers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn consumers(&self) -> Vec<Arc<Consumer>> {
        self.0.consumers.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn add_consumer(&self, consumer: &Arc<Consumer>) {
        self.0.consumers.write().unwrap_or_else(PoisonError::into_inner).insert(consumer.name, consumer.clone());
    }

    /// Whether completeness of some log served here depends on what this consumer has done.
    pub(crate) fn downstream_of(&self, consumer: &str) -> Option<Log> {
        let logs = self.0.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.values().find(|log| log.upstream() == Some(consumer)).cloned()
    }

    pub(crate) fn metrics(&self) -> &JournalMetrics {
        &self.0.metrics
    }
}
