//! Calling receivers: the only place that names reqwest.
//!
//! Names are resolved here, addresses that nobody outside may make us call are dropped, and the connection goes to what is
//! left: there is no second look-up in which a name could lead elsewhere.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect,
};
use throughline_platform::{
    Failure,
    signature::{Secret, sign},
    trace::TraceContext,
};
use url::Url;
use uuid::Uuid;

use crate::domain::{Loopback, may_connect, parse_retry_after, parse_target};

/// For everything: resolving, connecting, sending, the answer.
pub const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Answers are not kept; a short one is read so that its connection can be used again.
const LONGEST_ANSWER: usize = 16 * 1024;
const IDLE_PER_HOST: usize = 2;
const IDLE_FOR: Duration = Duration::from_secs(60);

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client,
    loopback: Loopback,
}

/// A signed message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'m> {
    pub id: Uuid,
    pub secret: &'m Secret,
    pub body: &'m str,
    /// The receiver goes on with this trace.
    pub trace: &'m TraceContext,
    pub now: Timestamp,
}

/// What a try came to. Texts tell of no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx.
    Taken {
        status: u16,
    },
    /// 410: the receiver wants nothing more, ever.
    Gone,
    Refused {
        status: u16,
        retry_after: Option<SignedDuration>,
    },
    /// No answer came.
    Silent {
        why: &'static str,
    },
}

impl Webhooks {
    pub fn new(loopback: Loopback) -> Result<Self, Failure> {
        let client = builder(loopback).build().or_else(|error| {
            // A machine without certificate authorities can still call itself.
            tracing::error!(error = %chain(&error), "no certificate authorities were found: https webhooks will fail");
            builder(loopback).tls_certs_only([]).build()
        });
        Ok(Self { client: client.map_err(Failure::internal)?, loopback })
    }

    /// Sends a message once.
    pub async fn post(&self, url: &str, message: Outgoing<'_>) -> Answer {
        // What was allowed when the route was made need not be now, and addresses written out are never resolved.
        let Ok(url) = parse_target(url, self.loopback) else {
            return Answer::Silent { why: "the address is not allowed" };
        };
        match self.send(url, message).await {
            Ok(response) => {
                let answer = read(&response, message.now);
                drain(response).await;
                answer
            }
            Err(error) => Answer::Silent { why: reason(&error) },
        }
    }

    async fn send(&self, url: Url, message: Outgoing<'_>) -> reqwest::Result<Response> {
        let Outgoing { id, secret, body, trace, now } = message;
        let (id, timestamp) = (id.to_string(), now.as_second());
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", sign(secret, &id, timestamp, body.as_bytes()))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp);
        for (name, value) in [("traceparent", &trace.traceparent), ("tracestate", &trace.tracestate)] {
            // A broken trace must not keep a message from being sent.
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                request = request.header(name, value);
            }
        }
        request.body(body.to_owned()).send().await
    }
}

fn builder(loopback: Loopback) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("throughline/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // A proxy would resolve names behind our back.
        .no_proxy()
        .dns_resolver(Arc::new(Guarded { loopback }))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_FOR)
}

fn read(response: &Response, now: Timestamp) -> Answer {
    match response.status() {
        status if status.is_success() => Answer::Taken { status: status.as_u16() },
        StatusCode::GONE => Answer::Gone,
        status => {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = retry_after.and_then(|header| parse_retry_after(header, now));
            Answer::Refused { status: status.as_u16(), retry_after }
        }
    }
}

/// What it says does not matter: the status has decided.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > LONGEST_ANSWER {
            return;
        }
    }
}

fn reason(error: &reqwest::Error) -> &'static str {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if inner.is::<NotAllowed>() {
            return "the address is not allowed";
        }
        source = inner.source();
    }
    match () {
        () if error.is_timeout() => "timed out",
        () if error.is_connect() => "cannot connect",
        () if error.is_builder() => "the request cannot be made",
        () => "the connection broke",
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// None of the addresses of a name may be called.
#[derive(Debug, thiserror::Error)]
#[error("no address of the host may be called")]
struct NotAllowed;

/// Resolves names to what may be called.
struct Guarded {
    loopback: Loopback,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| may_connect(name.as_str(), address.ip(), loopback)).collect();
            if allowed.is_empty() {
                return Err(NotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_resolves_only_where_that_is_allowed() {
        let resolve = |loopback| Guarded { loopback }.resolve("localhost".parse().unwrap());
        let addresses: Vec<_> = resolve(Loopback::Allowed).await.unwrap().collect();
        assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
        let refused = resolve(Loopback::Refused).await.map(|_| ()).unwrap_err();
        assert!(refused.is::<NotAllowed>(), "{refused}");
    }
}
