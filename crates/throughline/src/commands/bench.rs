//! `throughline bench`: ratios taken in one run on one machine. An absolute figure alone says little of another machine.
mod copy;
mod ingest;
mod latency;
mod pipeline;
mod stream;

use std::path::PathBuf;

use crate::{
    output::json_line,
    suite::{self, Plan, Servers},
};

/// Measure ratios in one run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Events of the ingest and pipeline measurements.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    events: u64,
    /// Events a second while the way to a watcher is measured.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    rate: u64,
    /// Seconds of that load.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=600))]
    seconds: u64,
    /// Only these measurements.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Where the private servers keep their files (a disk that matters); a temporary folder if absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Measurement {
    /// Durable streaming ingest through gRPC over COPY of the same rows into the same tables.
    Ingest,
    /// Append until flags and reports have caught up, beside a raw append of the same rows.
    Pipeline,
    /// "Car not ready when signed" from append to a watcher, over one append on the idle suite.
    Latency,
}

impl Arguments {
    fn wants(&self, measurement: Measurement) -> bool {
        self.only.is_empty() || self.only.contains(&measurement)
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let folder;
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => {
            folder = suite::temporary_folder()?;
            folder.path().to_owned()
        }
    };
    // One pair of servers with everything durable, a fresh database for each measurement.
    let servers = Servers::start(&Plan::embedded(data.clone())).await?;
    if arguments.wants(Measurement::Ingest) {
        eprintln!("ingest: {} events through one stream, then COPY of the same rows", arguments.events);
        json_line(&ingest::measure(&servers, &data, arguments.events).await?)?;
    }
    if arguments.wants(Measurement::Pipeline) {
        eprintln!("pipeline: {} events of 12 rooftops until flags and reports have caught up", arguments.events);
        json_line(&pipeline::measure(&servers, &data, arguments.events).await?)?;
    }
    if arguments.wants(Measurement::Latency) {
        eprintln!("latency: {} events a second for {} s", arguments.rate, arguments.seconds);
        json_line(&latency::measure(&servers, &data, arguments.rate, arguments.seconds).await?)?;
    }
    servers.stop().await;
    Ok(())
}

/// A figure that a person can read.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
