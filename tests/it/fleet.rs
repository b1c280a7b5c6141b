//! Services as an operator deploys them: a process each, on servers of their own.
use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use throughline_proto::tenant::v1::{CreateGroupRequest, directory_service_client::DirectoryServiceClient};
use throughline_testkit::{OwnServers, connect, eventually};
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use crate::suite::{binary, keyed};

/// Shared by the processes of a fleet.
const SERVICE_KEY: &str = "service-key-of-a-test";

/// Servers, and what every process on them is told.
pub struct Fleet {
    pub servers: OwnServers,
    url: String,
}

/// One process of a service.
pub struct Process {
    child: Child,
    pub grpc: String,
    pub http: String,
}

impl Fleet {
    pub async fn start() -> Self {
        let servers = OwnServers::start().await;
        let url = servers.create_database("throughline").await;
        Self { servers, url }
    }

    /// A connection past all services.
    pub async fn database(&self) -> sqlx::PgConnection {
        connect(&self.url).await
    }

    /// Starts a process of a service under a name of its own.
    pub async fn spawn(&self, service: &str, name: &str, more: &[(&str, &str)]) -> Process {
        let log = self.servers.scratch().path().join(format!("{name}.log"));
        let child = Command::new(binary(service))
            .env("THROUGHLINE_POSTGRES_URL", &self.url)
            .env("THROUGHLINE_REDIS_URL", self.servers.redis.url())
            .env("THROUGHLINE_SERVICE_KEY", SERVICE_KEY)
            .env("THROUGHLINE_GRPC", "127.0.0.1:0")
            .env("THROUGHLINE_HTTP", "127.0.0.1:0")
            .env("THROUGHLINE_API_CONNECTIONS", "4")
            .env("THROUGHLINE_WORKER_CONNECTIONS", "6")
            .env("THROUGHLINE_LOG", "warn,throughline_journal=info")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (grpc, http) = eventually(Duration::from_secs(120), async || ready(&log)).await;
        Process { child, grpc, http }
    }

    /// Makes the group and returns its administrator's key.
    pub async fn group(&self, ingestion: &Process, group: &str) -> String {
        let request = CreateGroupRequest { group_id: group.to_owned(), display_name: String::new() };
        let made = DirectoryServiceClient::new(ingestion.channel().await)
            .create_group(keyed(SERVICE_KEY, request))
            .await
            .unwrap()
            .into_inner();
        made.admin_secret
    }
}

/// The addresses that a process says in its log once it serves.
fn ready(log: &PathBuf) -> Result<(String, String), String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let address = |line: &Value, name: &str| Some(line[name].as_str()?.to_owned());
    lines
        .filter(|line| line["message"] == "ready")
        .find_map(|line| Some((address(&line, "grpc")?, address(&line, "http")?)))
        .ok_or(text)
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the process has ended")
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url()).unwrap().connect().await.unwrap()
    }

    /// SIGKILL, and waits for the end of the process.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
