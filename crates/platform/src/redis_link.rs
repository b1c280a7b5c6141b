//! Redis, which may vanish at any moment: wake-ups and caches, never the truth. Nothing here blocks or fails a caller.
mod publish;
mod subscribe;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{AsyncCommands, aio::ConnectionManager};
use tokio::sync::broadcast;

use self::{publish::Publisher, subscribe::Subscriber};
use crate::{Failure, metrics::Metrics, tasks::Tasks};

/// Works without Redis as well: then nothing arrives and nothing is found.
#[derive(Clone, Debug)]
pub struct RedisLink(Option<Arc<Link>>);

struct Link {
    publisher: Publisher,
    subscriber: Subscriber,
    commands: ConnectionManager,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

/// An answer that takes longer is as good as none.
const PATIENCE: Duration = Duration::from_millis(250);

impl RedisLink {
    /// Begins to connect, if there is a URL; it never waits for Redis.
    pub fn start(url: Option<&str>, tasks: &Tasks, metrics: &Metrics) -> Result<Self, Failure> {
        let Some(url) = url else { return Ok(Self(None)) };
        let client = redis::Client::open(url)
            .map_err(|error| Failure::invalid("redis_url", format!("cannot be read: {error}")))?;
        let config = redis::aio::ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_millis(500)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        let commands = client
            .get_connection_manager_lazy(config)
            .map_err(|error| Failure::invalid("redis_url", format!("cannot be used: {error}")))?;
        Ok(Self(Some(Arc::new(Link {
            publisher: Publisher::start(client.clone(), tasks, metrics),
            subscriber: Subscriber::start(client, tasks),
            commands,
        }))))
    }

    /// Without Redis.
    pub fn absent() -> Self {
        Self(None)
    }

    /// Whether there is a Redis to use, though it may be away just now.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Tells whoever listens, if Redis is there: best effort, at once, dropped when too much waits.
    pub fn publish(&self, channel: &str, payload: impl Into<Vec<u8>>) {
        if let Some(link) = &self.0 {
            link.publisher.publish(channel, payload.into());
        }
    }

    /// What is published on a channel from about now on; messages are missed while Redis is away and when a receiver lags.
    pub fn subscribe(&self, channel: &str) -> broadcast::Receiver<Bytes> {
        match &self.0 {
            Some(link) => link.subscriber.subscribe(channel),
            // Its sender is gone, so that the receiver would end at once: keep one that never sends.
            None => subscribe::silence(),
        }
    }

    /// A cached value, if Redis has it and answers soon.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut commands = self.0.as_ref()?.commands.clone();
        tokio::time::timeout(PATIENCE, commands.get::<_, Option<Vec<u8>>>(key)).await.ok()?.ok()?
    }

    /// Caches a value for a while; whether Redis took it.
    pub async fn set(&self, key: &str, value: &[u8], keep: Duration) -> bool {
        let Some(link) = &self.0 else { return false };
        let mut commands = link.commands.clone();
        let milliseconds = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        matches!(
            tokio::time::timeout(PATIENCE, commands.pset_ex::<_, _, ()>(key, value, milliseconds)).await,
            Ok(Ok(()))
        )
    }
}
