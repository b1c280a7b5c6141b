//! A webhook receiver that verifies what it is sent, and answers as the test says.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION, header::RETRY_AFTER},
    response::IntoResponse,
    routing::any,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use throughline_testkit::eventually;
use tokio::{net::TcpListener, sync::Notify};

use crate::kit::SOON;

/// How the next message is answered; 204 when nothing is planned.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Status(u16),
    Later {
        status: u16,
        retry_after: &'static str,
    },
    Redirect(String),
    /// Answers only when `Receiver::let_go` is called.
    Hold,
    /// 2xx with an endless body.
    Babble,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) traceparent: String,
    pub(crate) body: Value,
    raw: String,
    signature: String,
}

#[derive(Default)]
struct Shared {
    messages: Mutex<Vec<Message>>,
    plans: Mutex<VecDeque<Plan>>,
    held: Notify,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(any(receive)).with_state(shared.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn plan(&self, plan: Plan) {
        self.shared.plans.lock().unwrap().push_back(plan);
    }

    /// Everything that came, with a right signature or not.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// Waits for so many messages.
    pub(crate) async fn have(&self, count: usize) -> Vec<Message> {
        eventually(SOON, async || {
            let messages = self.messages();
            if messages.len() >= count { Ok(messages) } else { Err(format!("{messages:#?}")) }
        })
        .await
    }

    /// Answers what is held.
    pub(crate) fn let_go(&self) {
        self.shared.held.notify_one();
    }
}

impl Message {
    /// As a receiver would check it with the secret that it was given, `whsec_…`.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(key.len(), 32);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.raw).as_bytes());
        let signature = BASE64_STANDARD.decode(self.signature.strip_prefix("v1,").unwrap()).unwrap();
        mac.verify_slice(&signature).is_ok()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    raw: String,
) -> axum::response::Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    shared.messages.lock().unwrap().push(Message {
        path: uri.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
        traceparent: header("traceparent"),
        signature: header("webhook-signature"),
        body: serde_json::from_str(&raw).unwrap_or_default(),
        raw,
    });
    let plan = shared.plans.lock().unwrap().pop_front();
    let status = |code| StatusCode::from_u16(code).unwrap();
    match plan {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Plan::Status(code)) => status(code).into_response(),
        Some(Plan::Later { status: code, retry_after }) => (status(code), [(RETRY_AFTER, retry_after)]).into_response(),
        Some(Plan::Redirect(to)) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Some(Plan::Hold) => {
            shared.held.notified().await;
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Plan::Babble) => {
            let endless = futures::stream::repeat_with(|| Ok::<_, std::convert::Infallible>("x".repeat(4096)));
            axum::body::Body::from_stream(endless).into_response()
        }
    }
}
