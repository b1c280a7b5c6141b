//! `throughline up`: all five services in one process.
use std::{net::SocketAddr, path::PathBuf};

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::suite::{Plan, Suite};

/// Run the whole suite in this process.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the private servers keep their files, and where the administrator's key is written (admin.key).
    #[arg(long, default_value = ".throughline", value_name = "DIR")]
    data: PathBuf,
    /// Address of gRPC and gRPC-Web; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:7700")]
    grpc: SocketAddr,
    /// Address of HTTP: CloudEvents, /metrics, /healthz, /readyz; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:7701")]
    http: SocketAddr,
    /// A Postgres of yours instead of a private one.
    #[arg(long)]
    postgres_url: Option<String>,
    /// A Redis of yours instead of a private one.
    #[arg(long)]
    redis_url: Option<String>,
    /// Start the clock here instead of now (RFC 3339).
    #[arg(long)]
    clock_start: Option<Timestamp>,
    /// How fast the clock runs: 60 makes a minute of every second.
    #[arg(long, default_value_t = 1.0)]
    clock_rate: f64,
    /// Where spans are sent, OTLP over gRPC, such as http://127.0.0.1:4317.
    #[arg(long)]
    otlp_endpoint: Option<String>,
    /// A folder to watch: files dropped at DIR/{group}/{rooftop}/{profile}/NAME are imported.
    #[arg(long, value_name = "DIR")]
    drop_folder: Option<String>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Taken before anything is started, so that a stop during the start is a stop.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut flags = Vec::new();
    flags.extend(arguments.otlp_endpoint.map(|endpoint| format!("--otlp-endpoint={endpoint}")));
    flags.extend(arguments.drop_folder.map(|folder| format!("--drop-folder={folder}")));
    match arguments.clock_start {
        Some(start) => flags.push(format!("--clock-start={start}")),
        None => anyhow::ensure!(
            arguments.clock_rate == 1.0,
            "--clock-rate needs --clock-start: from when on should it run faster?"
        ),
    }
    flags.push(format!("--clock-rate={}", arguments.clock_rate));
    let suite = Suite::start(Plan {
        data: arguments.data,
        grpc: arguments.grpc,
        http: arguments.http,
        postgres_url: arguments.postgres_url,
        redis_url: arguments.redis_url,
        clock: None,
        flags,
    });
    let suite = tokio::select! {
        suite = suite => suite?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    say!("ready grpc={} http={}", suite.grpc, suite.http);
    eprintln!("administrator's key: {}", suite.key_file.display());
    let lost = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        lost = suite.lost() => Some(lost),
    };
    suite.stop().await?;
    match lost {
        None => Ok(()),
        Some(lost) => Err(lost),
    }
}
