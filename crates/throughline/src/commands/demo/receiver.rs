//! A webhook receiver that believes nothing: it verifies the signature after Standard Webhooks before it counts.
use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::{net::TcpListener, sync::watch};

/// The first message that was verified.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// `webhook-id`.
    pub id: String,
    /// What it told.
    pub summary: String,
}

struct Shared {
    secret: OnceLock<Vec<u8>>,
    verified: AtomicU64,
    refused: AtomicU64,
    first: watch::Sender<Option<Delivered>>,
}

/// A receiver on a free loopback port; it ends with the process.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts to listen.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            secret: OnceLock::new(),
            verified: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            first: watch::Sender::new(None),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/alerts", post(receive)).with_state(shared.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the demo's process")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/alerts", self.address)
    }

    /// The secret by which senders sign, `whsec_…`.
    ///
    /// # Errors
    /// If it is not one.
    pub fn trust(&self, secret: &str) -> anyhow::Result<()> {
        let encoded = secret.strip_prefix("whsec_").context("not a webhook secret")?;
        let _ = self.shared.secret.set(STANDARD.decode(encoded).context("not a webhook secret")?);
        Ok(())
    }

    /// Messages whose signature was right.
    pub fn verified(&self) -> u64 {
        self.shared.verified.load(Ordering::Relaxed)
    }

    /// Messages whose signature was wrong.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Waits for the first verified message.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn first(&self, timeout: Duration) -> anyhow::Result<Delivered> {
        let mut seen = self.shared.first.subscribe();
        let first = tokio::time::timeout(timeout, seen.wait_for(Option::is_some))
            .await
            .context("no webhook was delivered")??;
        first.clone().context("no webhook was delivered")
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header("webhook-id");
    if !signed(&shared, id, header("webhook-timestamp"), header("webhook-signature"), &body) {
        shared.refused.fetch_add(1, Ordering::Relaxed);
        return StatusCode::UNAUTHORIZED;
    }
    shared.verified.fetch_add(1, Ordering::Relaxed);
    shared.first.send_if_modified(|first| {
        let is_first = first.is_none();
        if is_first {
            let summary = serde_json::from_slice::<serde_json::Value>(&body)
                .ok()
                .and_then(|message| Some(message.get("data")?.get("summary")?.as_str()?.to_owned()))
                .unwrap_or_default();
            *first = Some(Delivered { id: id.to_owned(), summary });
        }
        is_first
    });
    StatusCode::NO_CONTENT
}

fn signed(shared: &Shared, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
    let Some(secret) = shared.secret.get() else { return false };
    signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|signature| {
        let (Ok(mut mac), Ok(signature)) = (Hmac::<Sha256>::new_from_slice(secret), STANDARD.decode(signature)) else {
            return false;
        };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    })
}
