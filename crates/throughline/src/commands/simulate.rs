//! `throughline simulate`: simulated store days as canonical JSON lines, for trying things out.
use std::io::{BufWriter, Write as _, stdout};

use throughline_simulator::{busy_saturday, simulate};

/// Write simulated events.
#[derive(clap::Args)]
pub struct Arguments {
    /// The same seed, the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many rooftops.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    rooftops: u32,
    /// The first Saturday on or after this day.
    #[arg(long, default_value = "2026-09-05")]
    date: jiff::civil::Date,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let plan = busy_saturday(arguments.seed, arguments.rooftops, arguments.date);
    let mut out = BufWriter::new(stdout().lock());
    for simulated in simulate(&plan)? {
        writeln!(out, "{}", simulated.event.to_line()?)?;
    }
    out.flush()?;
    Ok(())
}
