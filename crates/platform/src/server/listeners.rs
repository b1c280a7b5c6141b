//! Sockets, bound before anything is served: an address that is taken ends the process before it migrates anything.
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{Failure, Options};

/// Bound sockets.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC and gRPC-Web.
    pub grpc: TcpListener,
    /// HTTP.
    pub http: TcpListener,
}

impl Listeners {
    /// Binds both addresses.
    pub async fn bind(options: &Options) -> Result<Self, Failure> {
        Ok(Self { grpc: bind("grpc", options.grpc).await?, http: bind("http", options.http).await? })
    }

    /// Where gRPC is served.
    pub fn grpc_addr(&self) -> Result<SocketAddr, Failure> {
        self.grpc.local_addr().map_err(Failure::internal)
    }

    /// Where HTTP is served.
    pub fn http_addr(&self) -> Result<SocketAddr, Failure> {
        self.http.local_addr().map_err(Failure::internal)
    }
}

async fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!("cannot listen on {address}: {error}; choose another with --{option}");
        Failure::precondition(message).because(error)
    })
}
