//! One connection that listens on every channel anybody asked for, and asks again after Redis was away.
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{Notify, broadcast};

use crate::tasks::{OnExit, Tasks};

const BEHIND: usize = 1024;
const PAUSE: Duration = Duration::from_millis(250);
// A half-open connection is found out by asking; nothing else is ever sent on it.
const PING: Duration = Duration::from_secs(5);

pub(super) struct Subscriber(Arc<Channels>);

#[derive(Default)]
struct Channels {
    wanted: Mutex<HashMap<String, broadcast::Sender<Bytes>>>,
    changed: Notify,
}

impl Subscriber {
    pub(super) fn start(client: redis::Client, tasks: &Tasks) -> Self {
        let channels = Arc::new(Channels::default());
        let (listening, shutdown) = (channels.clone(), tasks.shutdown());
        tasks.spawn("redis-subscriber", OnExit::Restart, move || {
            let (client, listening, shutdown) = (client.clone(), listening.clone(), shutdown.clone());
            async move {
                shutdown.run_until_cancelled(listen(&client, &listening)).await;
            }
        });
        Self(channels)
    }

    pub(super) fn subscribe(&self, channel: &str) -> broadcast::Receiver<Bytes> {
        let mut wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = wanted.get(channel) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(BEHIND);
        wanted.insert(channel.to_owned(), sender);
        self.0.changed.notify_one();
        receiver
    }
}

impl Channels {
    /// The channels that somebody still listens on.
    fn names(&self) -> Vec<String> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|_, sender| sender.receiver_count() > 0);
        wanted.keys().cloned().collect()
    }

    fn pass_on(&self, message: &redis::Msg) {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = wanted.get(message.get_channel_name()) {
            // Nobody listening any more is no failure.
            let _ = sender.send(Bytes::copy_from_slice(message.get_payload_bytes()));
        }
    }
}

async fn listen(client: &redis::Client, channels: &Channels) {
    loop {
        if let Err(error) = connected(client, channels).await {
            tracing::debug!(%error, "redis cannot be listened to");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connected(client: &redis::Client, channels: &Channels) -> redis::RedisResult<()> {
    let (mut asking, mut messages) = client.get_async_pubsub().await?.split();
    let mut asked: Vec<String> = Vec::new();
    let mut ping = tokio::time::interval(PING);
    loop {
        let names = channels.names();
        for gone in asked.iter().filter(|name| !names.contains(name)) {
            asking.unsubscribe(gone).await?;
        }
        for new in names.iter().filter(|name| !asked.contains(name)) {
            asking.subscribe(new).await?;
        }
        asked = names;
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => channels.pass_on(&message),
                    None => return Ok(()),
                },
                () = channels.changed.notified() => break,
                _ = ping.tick() => {
                    asking.ping::<redis::Value>().await?;
                    break;
                }
            }
        }
    }
}

/// Never says anything and never ends.
pub(super) fn silence() -> broadcast::Receiver<Bytes> {
    static SILENT: LazyLock<broadcast::Sender<Bytes>> = LazyLock::new(|| broadcast::channel(1).0);
    SILENT.subscribe()
}
