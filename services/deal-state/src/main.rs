//! The process `deal-state`.

use clap::Parser;
use throughline_journal::host;
use throughline_platform::{Failure, Options};

#[derive(Parser)]
#[command(name = "deal-state", version, about)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    host::run("deal-state", Cli::parse().options, &[throughline_deal_state::SERVICE]).await
}
