//! What a service adds to a process: gRPC services and HTTP routes. Its tasks run already, spawned from the context.
use std::convert::Infallible;

use http::Request;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

/// Puts one gRPC service among the routes.
pub(crate) type AddService = Box<dyn FnOnce(Routes) -> Routes + Send + Sync>;

/// One service, assembled and ready to be served.
pub struct Slice {
    pub(crate) name: &'static str,
    pub(crate) grpc: Vec<AddService>,
    pub(crate) served: Vec<&'static str>,
    pub(crate) http: axum::Router,
    pub(crate) http_open: axum::Router,
}

impl Slice {
    /// A slice without any routes.
    pub fn new(name: &'static str) -> Self {
        Self { name, grpc: Vec::new(), served: Vec::new(), http: axum::Router::new(), http_open: axum::Router::new() }
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Adds a generated gRPC server, such as `DealServiceServer::new(deals)`.
    #[must_use]
    pub fn grpc<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.served.push(S::NAME);
        self.grpc.push(Box::new(move |routes| routes.add_service(service)));
        self
    }

    /// Adds HTTP routes; handlers take `Principal` among their arguments and answer with `Result<_, Failure>`.
    #[must_use]
    pub fn http(mut self, routes: axum::Router) -> Self {
        self.http = self.http.merge(routes);
        self
    }

    /// Adds HTTP routes that need no key: whoever calls is told apart by the handler itself, such as by a signature, and
    /// before that by nothing. Bound there what one call may cost.
    #[must_use]
    pub fn http_open(mut self, routes: axum::Router) -> Self {
        self.http_open = self.http_open.merge(routes);
        self
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slice").field("name", &self.name).field("served", &self.served).finish_non_exhaustive()
    }
}
