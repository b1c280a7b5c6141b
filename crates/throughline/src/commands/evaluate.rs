//! `throughline evaluate record`: how well the suite's deals tell what really happened, where that is known.
mod record;
mod score;
mod truth;

use clap::Subcommand;

/// Measure the suite against what is known to be true.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Measure the record: links between systems, bounds of times, the finance log, steps counted twice.
    Record(record::Arguments),
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.action {
        Action::Record(arguments) => record::run(arguments).await,
    }
}
