//! Channels to the other services: lazy, kept alive, with our key, the trace and the caller's remaining time.
mod channel;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tonic::transport::{Channel, Endpoint};

pub use channel::PeerChannel;

use crate::{Failure, Options, metrics::Metrics};

/// A service that others call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Keeps the directory and the event log.
    Ingestion,
    /// Keeps deals and the deal log.
    DealState,
    /// Keeps flags and the flag log.
    Rules,
}

/// Where the other services are; in this process where the options name no other place.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Channels>);

#[derive(Debug)]
struct Channels {
    ingestion: PeerChannel,
    deal_state: PeerChannel,
    rules: PeerChannel,
}

impl Peers {
    /// Lazy: nothing is connected yet. Call it inside tokio.
    pub fn new(options: &Options, own: SocketAddr, metrics: &Metrics) -> Result<Self, Failure> {
        let here = format!("http://{}", reachable(own));
        let place = |field: &str, url: &Option<String>| {
            let channel = connect(field, url.as_deref().unwrap_or(&here))?;
            PeerChannel::new(channel, &options.service_key, metrics.clone())
        };
        Ok(Self(Arc::new(Channels {
            ingestion: place("ingestion_url", &options.ingestion_url)?,
            deal_state: place("deal_state_url", &options.deal_state_url)?,
            rules: place("rules_url", &options.rules_url)?,
        })))
    }

    /// A channel for generated clients, such as `LogServiceClient::new(peers.channel(Peer::Ingestion))`.
    pub fn channel(&self, peer: Peer) -> PeerChannel {
        match peer {
            Peer::Ingestion => self.0.ingestion.clone(),
            Peer::DealState => self.0.deal_state.clone(),
            Peer::Rules => self.0.rules.clone(),
        }
    }
}

fn connect(field: &str, url: &str) -> Result<Channel, Failure> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|error| Failure::invalid(field, format!("{url:?} is not a URL: {error}")))?
        .user_agent(concat!("throughline/", env!("CARGO_PKG_VERSION")))
        .map_err(Failure::internal)?
        .connect_timeout(Duration::from_secs(5))
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_lazy())
}

/// An address that listens everywhere is reached through the loopback.
fn reachable(own: SocketAddr) -> SocketAddr {
    let mut address = own;
    if own.ip().is_unspecified() {
        match own {
            SocketAddr::V4(_) => address.set_ip(std::net::Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) => address.set_ip(std::net::Ipv6Addr::LOCALHOST.into()),
        }
    }
    address
}
