//! The rules service as a process of its own.
use clap::Parser;
use throughline_platform::{Failure, Options};

#[derive(Parser)]
#[command(name = "rules", version, about = "Flags, alarms, the review queue, the flag log")]
struct Process {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    throughline_journal::host::run("rules", Process::parse().options, &[throughline_rules::SERVICE]).await
}
