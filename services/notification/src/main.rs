//! The notification service as a process of its own.
use clap::Parser;
use throughline_platform::{Failure, Options};

#[derive(Parser)]
#[command(name = "notification", version, about = "Routes flags to people, decides once, sends at least once")]
struct Process {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    throughline_journal::host::run("notification", Process::parse().options, &[throughline_notification::SERVICE]).await
}
