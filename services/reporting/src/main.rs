//! The reporting service as a process of its own.
use clap::Parser;
use throughline_platform::{Failure, Options};

#[derive(Parser)]
#[command(name = "reporting", version, about = "Cycle time, time in stage, idle at handoffs")]
struct Process {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    throughline_journal::host::run("reporting", Process::parse().options, &[throughline_reporting::SERVICE]).await
}
