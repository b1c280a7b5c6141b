//! One task that publishes what others queue. What Redis does not take is dropped: a poll stands behind every wake-up.
use std::{sync::Arc, time::Duration};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Mutex, mpsc};

use crate::{
    metrics::Metrics,
    tasks::{OnExit, Tasks},
};

const QUEUE: usize = 4096;
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_millis(250);

type Message = (String, Vec<u8>);

pub(super) struct Publisher {
    queue: mpsc::Sender<Message>,
    dropped: Counter,
}

impl Publisher {
    pub(super) fn start(client: redis::Client, tasks: &Tasks, metrics: &Metrics) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let dropped = Counter::default();
        metrics.register(|registry| {
            registry.register(
                "redis_publish_dropped",
                "Wake-ups that Redis did not get; a poll stands behind each",
                dropped.clone(),
            );
        });
        let (shutdown, lost) = (tasks.shutdown(), dropped.clone());
        // Behind a lock because a restarted task goes on with the same queue.
        let waiting = Arc::new(Mutex::new(waiting));
        tasks.spawn("redis-publisher", OnExit::Restart, move || {
            let (client, waiting, shutdown, lost) = (client.clone(), waiting.clone(), shutdown.clone(), lost.clone());
            async move {
                let mut waiting = waiting.lock().await;
                shutdown.run_until_cancelled(run(client, &mut waiting, &lost)).await;
            }
        });
        Self { queue, dropped }
    }

    pub(super) fn publish(&self, channel: &str, payload: Vec<u8>) {
        if self.queue.try_send((channel.to_owned(), payload)).is_err() {
            self.dropped.inc();
        }
    }
}

async fn run(client: redis::Client, waiting: &mut mpsc::Receiver<Message>, lost: &Counter) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_millis(500)));
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(mut connection) => loop {
                if waiting.recv_many(&mut batch, BATCH).await == 0 {
                    return;
                }
                let mut pipeline = redis::pipe();
                for (channel, payload) in &batch {
                    pipeline.publish(channel, payload).ignore();
                }
                let sent: redis::RedisResult<()> = pipeline.query_async(&mut connection).await;
                let count = batch.drain(..).count() as u64;
                if let Err(error) = sent {
                    lost.inc_by(count);
                    tracing::debug!(%error, "redis took no wake-ups");
                    break;
                }
            },
            Err(error) => {
                tracing::debug!(%error, "redis cannot be reached");
                tokio::time::sleep(PAUSE).await;
            }
        }
        // A wake-up of before is of no use to anybody by now.
        while waiting.try_recv().is_ok() {
            lost.inc();
        }
    }
}
