//! `throughline simulate`: simulated store days, for trying things out: as canonical JSON lines, or as the files that
//! vendors' systems would hand over.
use std::{
    fs,
    io::{BufWriter, ErrorKind, Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::json;
use throughline_simulator::{Plan, busy_saturday, feeds, late_saturday, simulate};

use crate::output::json_line;

/// Write simulated events, or the files of the systems that saw them.
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
    /// How many days, of which that Saturday is the first; stores are closed on Sundays.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=28))]
    days: u32,
    /// Write vendors' files of such days instead, a folder for each rooftop below this one, which must be new or empty. Beside the
    /// files stand truth.jsonl and keys.csv, for `evaluate record`. Each rooftop is a line on stdout, with its zone.
    #[arg(long, value_name = "DIR")]
    feeds: Option<PathBuf>,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { seed, rooftops, date, days, feeds } = arguments;
    match feeds {
        Some(folder) => write_feeds(&late_saturday(seed, rooftops, date, days), &folder),
        None => write_events(&Plan { days, ..busy_saturday(seed, rooftops, date) }),
    }
}

fn write_events(plan: &Plan) -> anyhow::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for simulated in simulate(plan)? {
        writeln!(out, "{}", simulated.event.to_line()?)?;
    }
    out.flush()?;
    Ok(())
}

fn write_feeds(plan: &Plan, folder: &Path) -> anyhow::Result<()> {
    // What is left of other days would be imported, and judged, with these.
    anyhow::ensure!(is_free(folder)?, "{} is not empty: name a folder that is new or empty", folder.display());
    for rooftop in feeds(plan)? {
        for file in &rooftop.files {
            let path = folder.join(&rooftop.rooftop).join(&file.path);
            let told = || format!("cannot write {}", path.display());
            fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(told)?;
            fs::write(&path, &file.bytes).with_context(told)?;
        }
        json_line(&json!({"rooftop": rooftop.rooftop, "zone": rooftop.zone, "files": rooftop.files.len()}))?;
    }
    Ok(())
}

/// A folder that is not there yet, or holds nothing.
fn is_free(folder: &Path) -> anyhow::Result<bool> {
    match folder.read_dir() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read the folder {}", folder.display())),
    }
}
