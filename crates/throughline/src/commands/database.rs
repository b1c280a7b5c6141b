//! `throughline database`: a private Postgres with every schema, for tools that look at it.
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::suite::{Plan, Servers};

/// Start a private Postgres with every schema.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where it keeps its files.
    #[arg(long, default_value = ".throughline", value_name = "DIR")]
    data: PathBuf,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let servers = Servers::start(&Plan::embedded(arguments.data)).await?;
    crate::suite::migrate(&servers.postgres_url, crate::SERVICES).await?;
    say!("{}", servers.postgres_url);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = servers.lost() => anyhow::bail!("the private Postgres has ended"),
    }
    servers.stop().await;
    Ok(())
}
