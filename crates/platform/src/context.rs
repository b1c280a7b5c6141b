//! What every part of a process works with.
use std::sync::Arc;

use crate::{
    Failure, Migrations, Options, auth::Auth, clock::Clock, db::Db, metrics::Metrics, peers::Peers,
    redis_link::RedisLink, seal::Sealer, server::Listeners, tasks::Tasks,
};

/// Cheap to clone; one a process.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the process was told.
    pub options: Arc<Options>,
    /// What time it is.
    pub clock: Clock,
    /// The truth.
    pub db: Db,
    /// What may vanish.
    pub redis: RedisLink,
    /// What is counted.
    pub metrics: Metrics,
    /// What runs.
    pub tasks: Tasks,
    /// What makes tokens.
    pub sealer: Sealer,
    /// The other services.
    pub peers: Peers,
    /// Who calls.
    pub auth: Auth,
}

impl Context {
    /// Connects, migrates (or checks) these schemas, and prepares everything else. `listeners` because a service that is not
    /// elsewhere is its own peer.
    pub async fn start(options: Options, listeners: &Listeners, schemas: &[Migrations]) -> Result<Self, Failure> {
        Self::start_with(options, None, listeners, schemas).await
    }

    /// The same with a clock of the caller's, for tests that move time by hand.
    pub async fn start_with(
        options: Options,
        clock: Option<Clock>,
        listeners: &Listeners,
        schemas: &[Migrations],
    ) -> Result<Self, Failure> {
        // Ours by name, so that no library picks another; a process that chose before us keeps its choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let db = Db::connect(&options).await?;
        if options.migrate {
            db.migrate(schemas).await?;
        } else {
            db.check_schemas(schemas).await?;
        }
        let metrics = Metrics::new();
        db.register(&metrics);
        let tasks = Tasks::new();
        tasks.register(&metrics);
        Ok(Self {
            clock: clock.unwrap_or_else(|| Clock::from_options(&options)),
            sealer: Sealer::load(&db).await?,
            redis: RedisLink::start(options.redis_url.as_deref(), &tasks, &metrics)?,
            peers: Peers::new(&options, listeners.grpc_addr()?, &metrics)?,
            auth: Auth::new(&options, db.clone())?,
            options: Arc::new(options),
            db,
            metrics,
            tasks,
        })
    }
}
