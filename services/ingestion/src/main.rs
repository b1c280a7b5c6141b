//! The process `ingestion`.

use clap::Parser;
use throughline_journal::host;
use throughline_platform::{Failure, Options};

#[derive(Parser)]
#[command(name = "ingestion", version, about = "The edge: the directory, and the way in for events")]
struct Cli {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    host::run("ingestion", Cli::parse().options, &[throughline_ingestion::SERVICE]).await
}
