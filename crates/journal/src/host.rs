//! A process: one service, or several of them side by side.
use std::net::SocketAddr;

use futures::future::BoxFuture;
use throughline_platform::{
    self as platform, Options, Slice,
    clock::Clock,
    db::{Db, Migrations},
    failure::Failure,
    server::{self, Listeners},
    tasks, telemetry,
};
use tokio::task::JoinHandle;

use crate::{Context, serve::LogServer};

/// Assembles a service from its context: registers logs, spawns followers and tasks, and answers with its routes.
pub type Start = for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Slice, Failure>>;

/// A service, as a process takes it in.
#[derive(Clone, Copy)]
pub struct Service {
    /// Its schemas' migrations; `None` for a service without tables.
    pub migrations: Option<&'static Migrations>,
    pub start: Start,
}

/// A process that serves.
pub struct Running {
    pub grpc_addr: SocketAddr,
    pub http_addr: SocketAddr,
    pub cx: Context,
    served: JoinHandle<Result<(), Failure>>,
}

/// Runs services until SIGTERM or SIGINT, or until a task ends that the process needs: what every `main` calls.
/// `name` is the process's name in traces and logs.
pub async fn run(name: &str, options: Options, services: &[Service]) -> Result<(), Failure> {
    let telemetry = telemetry::init(name, &options)?;
    let outcome = async {
        let running = start(options, services).await?;
        tracing::info!(service = name, grpc = %running.grpc_addr, http = %running.http_addr, "ready");
        running.until_stopped().await
    }
    .await;
    if let Err(failure) = &outcome {
        tracing::error!(service = name, error = ?failure, "the process ends");
    }
    telemetry.shutdown().await;
    outcome
}

/// Migrates, assembles and serves; the listeners accept calls when it returns. For tests and for `up`; it leaves telemetry
/// and signals to the caller.
pub async fn start(options: Options, services: &[Service]) -> Result<Running, Failure> {
    start_with(options, None, services).await
}

/// The same with a clock that the caller moves.
pub async fn start_with(options: Options, clock: Option<Clock>, services: &[Service]) -> Result<Running, Failure> {
    let listeners = Listeners::bind(&options).await?;
    let (grpc_addr, http_addr) = (listeners.grpc_addr()?, listeners.http_addr()?);
    let cx = Context::new(platform::Context::start_with(options, clock, &listeners, &schemas(services)).await?);

    let mut slices = vec![Slice::new("journal").grpc(LogServer::new(cx.clone()).service())];
    for service in services {
        match (service.start)(&cx).await {
            Ok(slice) => slices.push(slice),
            Err(failure) => {
                cx.platform.tasks.stop();
                return Err(failure);
            }
        }
    }
    #[expect(clippy::disallowed_methods, reason = "what is served is the process itself: `Running` waits for it")]
    let served = tokio::spawn(server::serve(cx.platform.clone(), slices, listeners));
    Ok(Running { grpc_addr, http_addr, cx, served })
}

/// Brings every schema of these services up to date and ends.
pub async fn migrate(options: &Options, services: &[Service]) -> Result<(), Failure> {
    let db = Db::connect(options).await?;
    db.migrate(&schemas(services)).await?;
    db.close().await;
    Ok(())
}

/// In the order in which they need each other; the platform's own come first by themselves.
fn schemas(services: &[Service]) -> Vec<Migrations> {
    std::iter::once(crate::MIGRATIONS)
        .chain(services.iter().filter_map(|service| service.migrations.copied()))
        .collect()
}

impl Running {
    /// Asks the process to stop, and waits until it has drained.
    pub async fn stop(self) -> Result<(), Failure> {
        self.cx.platform.tasks.stop();
        self.ended().await
    }

    /// Serves until a signal asks it to stop or a task ends that it needs.
    pub async fn until_stopped(self) -> Result<(), Failure> {
        let tasks = self.cx.platform.tasks.clone();
        tokio::select! {
            signal = tasks::stop_signal() => signal.map_err(Failure::internal)?,
            () = tasks.shutdown().cancelled_owned() => {}
        }
        self.stop().await
    }

    async fn ended(self) -> Result<(), Failure> {
        let drain = self.cx.platform.options.drain;
        let served = self.served.await.map_err(Failure::internal)?;
        self.cx.platform.tasks.ended(drain).await;
        self.cx.platform.db.close().await;
        served?;
        match self.cx.platform.tasks.failed() {
            Some(why) => Err(Failure::internal(why)),
            None => Ok(()),
        }
    }
}
