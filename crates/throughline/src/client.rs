//! How a command reaches the suite: an address, a key, and errors a person can act on.
use std::{path::PathBuf, str::FromStr, time::Duration};

use anyhow::Context as _;
use throughline_proto::log::v1::{GetHeadsRequest, WaitForRequest, log_service_client::LogServiceClient};
use throughline_proto::tenant::v1::{GetCallerRequest, directory_service_client::DirectoryServiceClient};
use throughline_proto::time::duration_to_wire;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

/// Where the suite is and who calls.
#[derive(clap::Args, Clone, Debug)]
pub struct Server {
    /// Address of the suite's gRPC port.
    #[arg(long, global = true, env = "THROUGHLINE_SERVER", default_value = "127.0.0.1:7700", value_name = "HOST:PORT")]
    pub server: String,
    /// File that holds the API key.
    #[arg(
        long,
        global = true,
        env = "THROUGHLINE_KEY_FILE",
        default_value = ".throughline/admin.key",
        value_name = "FILE"
    )]
    pub key_file: PathBuf,
}

/// How long a command that reads waits until the suite has caught up with the heads of its start.
#[derive(clap::Args, Clone, Debug)]
pub struct Patience {
    /// How long to wait until everything that was accepted before this command is contained.
    #[arg(long, default_value = "60s", value_parser = throughline_platform::options::parse_duration)]
    pub timeout: Duration,
}

/// Adds the key to every call.
#[derive(Clone)]
pub struct Authorization(MetadataValue<Ascii>);

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel that carries the caller's key.
pub type Keyed = InterceptedService<Channel, Authorization>;

/// A connection to the suite.
#[derive(Clone)]
pub struct Connection {
    /// For generated clients.
    pub channel: Keyed,
    /// `groups/{group}` of the key.
    pub parent: String,
}

impl Connection {
    /// Connects with the key of a file.
    ///
    /// # Errors
    /// If the file cannot be read, holds no key, or nothing answers at the address.
    pub async fn open(server: &Server) -> anyhow::Result<Self> {
        let file = std::fs::read_to_string(&server.key_file).with_context(|| {
            format!(
                "cannot read the key file {}: name another with --key-file, or start the suite with `throughline up`",
                server.key_file.display()
            )
        })?;
        Self::with_key(&server.server, file.trim()).await
    }

    /// Connects with a key at hand.
    ///
    /// # Errors
    /// If the key is malformed or not accepted, or nothing answers at the address.
    pub async fn with_key(server: &str, key: &str) -> anyhow::Result<Self> {
        let channel = Self::channel(server, key).await?;
        let caller = DirectoryServiceClient::new(channel.clone()).get_caller(GetCallerRequest {}).await?.into_inner();
        Ok(Self { channel, parent: caller.group })
    }

    /// A channel that carries a key, without asking whose it is.
    ///
    /// # Errors
    /// If the key is malformed or nothing answers at the address.
    pub async fn channel(server: &str, key: &str) -> anyhow::Result<Keyed> {
        let address = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let channel = Endpoint::from_str(&address)
            .with_context(|| format!("not an address: {server}"))?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10))
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(8 << 20)
            .connect()
            .await
            .with_context(|| format!("nothing answers at {server}: is `throughline up` running there?"))?;
        let value = MetadataValue::from_str(&format!("Bearer {}", key.trim()))
            .context("the key holds characters that no key has")?;
        Ok(InterceptedService::new(channel, Authorization(value)))
    }

    /// Waits until everything that the edge had accepted when this was called is contained in what `consumer` shows.
    ///
    /// # Errors
    /// If it takes longer than `timeout`.
    pub async fn caught_up(&self, consumer: &str, timeout: Duration) -> anyhow::Result<()> {
        let mut log = LogServiceClient::new(self.channel.clone());
        let heads = log.get_heads(GetHeadsRequest { log: "event".to_owned() }).await?.into_inner();
        let mut token = heads.consistency_token;
        let way: &[&str] = match consumer {
            "deal-state" => &["deal-state"],
            "notification" => &["deal-state", "rules", "notification"],
            other => &["deal-state", other],
        };
        for step in way {
            let mut request = Request::new(WaitForRequest {
                consumer: (*step).to_owned(),
                consistency_token: token,
                timeout: Some(duration_to_wire(timeout)),
            });
            request.set_timeout(timeout + Duration::from_secs(5));
            token = log
                .wait_for(request)
                .await
                .map_err(|status| {
                    anyhow::Error::new(status).context(format!("{step} has not caught up within {timeout:?}"))
                })?
                .into_inner()
                .consistency_token;
        }
        Ok(())
    }
}

impl Connection {
    /// The same for waits longer than the suite lets one call wait.
    ///
    /// # Errors
    /// If it takes longer than `timeout`.
    pub async fn caught_up_in_steps(&self, consumer: &str, timeout: Duration) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        loop {
            let left = timeout.saturating_sub(began.elapsed());
            match self.caught_up(consumer, left.min(Duration::from_secs(30))).await {
                Err(error) if left.is_zero() => return Err(error),
                Err(error) => match error.downcast_ref::<Status>() {
                    Some(status) if status.code() == Code::DeadlineExceeded => {}
                    _ => return Err(error),
                },
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// One line for a person: the chain of causes, with the reason and the fields that a Status names.
pub fn explain(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        if !line.is_empty() {
            line.push_str(": ");
        }
        match cause.downcast_ref::<Status>() {
            Some(status) => {
                line.push_str(status.message());
                let details = status.get_error_details();
                if let Some(info) = details.error_info() {
                    line.push_str(&format!(" ({})", info.reason));
                }
                for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default() {
                    line.push_str(&format!("; {}: {}", violation.field, violation.description));
                }
                break;
            }
            None => line.push_str(&cause.to_string()),
        }
    }
    line
}
