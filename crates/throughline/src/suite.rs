//! The whole suite in this process: private servers unless told otherwise, five services, a first group.
mod servers;

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;
use throughline_journal::host;
use throughline_platform::{Migrations, Options, clock::Clock, db::Db, telemetry};
use throughline_proto::tenant::v1::{
    ApiKey, CreateApiKeyRequest, CreateGroupRequest, directory_service_client::DirectoryServiceClient,
};
use throughline_servers::create_passable;

use crate::Connection;

pub use servers::Servers;

/// The first group of a suite that nobody else has set up.
const FIRST_GROUP: &str = "main";

/// What to start.
pub struct Plan {
    /// Files of the private servers and the administrator's key.
    pub data: PathBuf,
    /// gRPC and gRPC-Web.
    pub grpc: SocketAddr,
    /// CloudEvents, metrics, health.
    pub http: SocketAddr,
    /// A Postgres of the user's instead of a private one.
    pub postgres_url: Option<String>,
    /// A Redis of the user's instead of a private one.
    pub redis_url: Option<String>,
    /// Where the clock starts and how fast it runs; `None` is the time of day.
    pub clock: Option<(Timestamp, f64)>,
    /// What else the services are told, as flags.
    pub flags: Vec<String>,
}

impl Plan {
    /// Private servers below `data`, free ports on loopback.
    pub fn embedded(data: PathBuf) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { data, grpc: free, http: free, postgres_url: None, redis_url: None, clock: None, flags: Vec::new() }
    }
}

/// Options of the services, as every one of them reads them from flags and the environment.
#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    options: Options,
}

/// A running suite.
pub struct Suite {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// File of the administrator's key.
    pub key_file: PathBuf,
    running: host::Running,
    /// `None` where the caller logs, or nobody does.
    telemetry: Option<telemetry::Guard>,
    /// `None` where somebody else keeps them.
    servers: Option<Servers>,
}

impl Suite {
    /// Starts the servers, the services, and makes the first group if there is none.
    ///
    /// # Errors
    /// If any of them does not start.
    pub async fn start(plan: Plan) -> anyhow::Result<Self> {
        let servers = Servers::start(&plan).await?;
        let (postgres_url, redis_url) = (servers.postgres_url.clone(), servers.redis_url.clone());
        let logged = telemetry::init("throughline", &options(&plan, &postgres_url, redis_url.as_deref(), "")?)?;
        let mut suite =
            Self::start_on(plan, &postgres_url, redis_url.as_deref(), Some(servers), crate::SERVICES).await?;
        suite.telemetry = Some(logged);
        Ok(suite)
    }

    /// Starts some services on a fresh database of servers that somebody else keeps.
    ///
    /// # Errors
    /// If any of them does not start.
    pub async fn start_services(
        servers: &Servers,
        data: &Path,
        database: &str,
        services: &[host::Service],
    ) -> anyhow::Result<Self> {
        servers.create_database(database).await?;
        let plan = Plan::embedded(data.join(database));
        create_passable(&plan.data)?;
        Self::start_on(plan, &servers.database_url(database)?, servers.redis_url.as_deref(), None, services).await
    }

    async fn start_on(
        plan: Plan,
        postgres_url: &str,
        redis_url: Option<&str>,
        servers: Option<Servers>,
        services: &[host::Service],
    ) -> anyhow::Result<Self> {
        let service_key = uuid::Uuid::new_v4().simple().to_string();
        let options = options(&plan, postgres_url, redis_url, &service_key)?;
        let running = host::start(options, services).await?;
        // For whoever runs the suite: `rebuild` asks for it.
        write_secret(&plan.data.join("service.key"), &service_key)?;
        let key_file = plan.data.join("admin.key");
        let suite =
            Self { grpc: running.grpc_addr, http: running.http_addr, key_file, running, telemetry: None, servers };
        suite.first_group(&service_key).await?;
        Ok(suite)
    }

    /// The injected clock.
    pub fn clock(&self) -> Clock {
        self.running.cx.platform.clock.clone()
    }

    /// A connection with the administrator's key.
    ///
    /// # Errors
    /// If the key cannot be read.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        let key =
            fs::read_to_string(&self.key_file).with_context(|| format!("cannot read {}", self.key_file.display()))?;
        Connection::with_key(&self.grpc.to_string(), key.trim()).await
    }

    /// Returns when the suite cannot go on: its Postgres ended, or a task that it cannot do without.
    pub async fn lost(&self) -> anyhow::Error {
        let tasks = self.running.cx.platform.tasks.shutdown();
        tokio::select! {
            () = lost(self.servers.as_ref()) => anyhow::anyhow!("the private Postgres has ended"),
            () = tasks.cancelled_owned() => anyhow::anyhow!("a task that the suite cannot do without has ended; see the log"),
        }
    }

    /// Drains, then stops the servers.
    ///
    /// # Errors
    /// If it does not end within the drain time.
    pub async fn stop(self) -> anyhow::Result<()> {
        let ended = self.running.stop().await;
        if let Some(telemetry) = self.telemetry {
            telemetry.shutdown().await;
        }
        if let Some(servers) = self.servers {
            servers.stop().await;
        }
        Ok(ended?)
    }

    async fn first_group(&self, service_key: &str) -> anyhow::Result<()> {
        let channel = Connection::channel(&self.grpc.to_string(), service_key).await?;
        let mut directory = DirectoryServiceClient::new(channel);
        let created = directory
            .create_group(CreateGroupRequest {
                group_id: FIRST_GROUP.to_owned(),
                display_name: "Main group".to_owned(),
            })
            .await?
            .into_inner();
        let mut secret = created.admin_secret;
        if secret.is_empty() && !self.key_file.exists() {
            // The group is older than this folder: its first key is elsewhere, so this folder gets one of its own.
            let request = CreateApiKeyRequest {
                parent: format!("groups/{FIRST_GROUP}"),
                api_key: Some(ApiKey {
                    display_name: "administrator".to_owned(),
                    scopes: vec!["admin".to_owned()],
                    ..ApiKey::default()
                }),
                actor: String::new(),
            };
            secret = directory.create_api_key(request).await?.into_inner().secret;
        }
        if !secret.is_empty() {
            write_secret(&self.key_file, &secret)?;
        }
        Ok(())
    }
}

/// Brings every schema of these services up to date.
///
/// # Errors
/// If the database refuses.
pub async fn migrate(postgres_url: &str, services: &[host::Service]) -> anyhow::Result<()> {
    let options = Options::for_test(postgres_url, None);
    let schemas: Vec<Migrations> = std::iter::once(throughline_journal::MIGRATIONS)
        .chain(services.iter().filter_map(|service| service.migrations.copied()))
        .collect();
    let db = Db::connect(&options).await?;
    db.migrate(&schemas).await?;
    db.close().await;
    Ok(())
}

async fn lost(servers: Option<&Servers>) {
    match servers {
        Some(servers) => servers.lost().await,
        None => std::future::pending().await,
    }
}

fn options(plan: &Plan, postgres_url: &str, redis_url: Option<&str>, service_key: &str) -> anyhow::Result<Options> {
    use clap::Parser as _;
    let mut flags = vec![
        "throughline".to_owned(),
        format!("--postgres-url={postgres_url}"),
        format!("--service-key={service_key}"),
        format!("--grpc={}", plan.grpc),
        format!("--http={}", plan.http),
    ];
    flags.extend(redis_url.iter().map(|url| format!("--redis-url={url}")));
    if let Some((start, rate)) = plan.clock {
        flags.push(format!("--clock-start={start}"));
        flags.push(format!("--clock-rate={rate}"));
    }
    flags.extend(plan.flags.iter().cloned());
    Ok(Flags::try_parse_from(flags)?.options)
}

fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    // An older file keeps its mode otherwise.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    Ok(())
}

/// A folder that goes when it is dropped, and that the servers' user can reach.
///
/// # Errors
/// If none can be made.
pub fn temporary_folder() -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("throughline-").tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}
