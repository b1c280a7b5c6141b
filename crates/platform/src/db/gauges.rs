//! How full the pools are, read when somebody asks.
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
};

use super::Db;
use crate::metrics::Metrics;

impl Db {
    /// Shows how many connections each pool holds and how many of them are used.
    pub fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| registry.register_collector(Box::new(Connections(self.clone()))));
    }
}

#[derive(Debug)]
struct Connections(Db);

impl Collector for Connections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let pools = &self.0.0;
        let gauge = ConstGauge::new(0i64);
        let help = "Connections to Postgres by pool and state";
        let mut family = encoder.encode_descriptor("db_client_connection_count", help, None, gauge.metric_type())?;
        for (pool, name) in [(&pools.api, "api"), (&pools.worker, "worker"), (&pools.appender, "appender")] {
            let (idle, used) = pool.counts();
            for (state, count) in [("idle", idle), ("used", used)] {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                let labels = [("db_client_connection_pool_name", name), ("db_client_connection_state", state)];
                ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
