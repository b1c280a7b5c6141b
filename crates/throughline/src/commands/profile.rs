//! `throughline profile list`, `show NAME` and `check FILE SAMPLE`: source profiles, and what one would make of a file.
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use jiff::tz::TimeZone;
use throughline_adapters::{BUILT_IN, Mapped, Mapper, Profile, Rows, built_in};

use super::import::{files, tally::Tally};
use crate::output::{json_line, table};

/// Largest file that is taken for a profile, bytes.
const LARGEST: u64 = 64 * 1024;

/// Source profiles.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the built-in profiles.
    List,
    /// Print a built-in profile, to begin one's own with.
    Show {
        /// Its name.
        name: String,
    },
    /// Show what a profile would make of a sample, one JSON line a row; nothing is sent.
    Check {
        /// A built-in profile or a YAML file.
        profile: String,
        /// A file of the vendor's.
        sample: PathBuf,
        /// The rooftop that its rows are taken to be of, whatever they say.
        #[arg(long, default_value = "ROOFTOP")]
        rooftop: String,
        /// Its zone.
        #[arg(long, default_value = "America/New_York")]
        zone: String,
        /// Rows that are shown; all are counted.
        #[arg(long, default_value_t = 20)]
        rows: u64,
    },
}

/// The text of a profile from a file; none of one that is built in.
///
/// # Errors
/// If it is neither.
pub fn text(named: &str) -> anyhow::Result<Option<String>> {
    if built_in(named).is_some() {
        return Ok(None);
    }
    let path = Path::new(named);
    let known = || {
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        format!("profile {named}: neither a file that can be read nor built in ({})", names.join(", "))
    };
    let size = path.metadata().with_context(known)?.len();
    anyhow::ensure!(size <= LARGEST, "profile {named}: larger than {LARGEST} bytes");
    std::fs::read_to_string(path).with_context(known).map(Some)
}

fn read(named: &str) -> anyhow::Result<Profile> {
    let text = text(named)?;
    let text = text.as_deref().or_else(|| built_in(named)).unwrap_or_default();
    Profile::parse(text).with_context(|| format!("profile {named}"))
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.action {
        Action::List => {
            let mut rows = Vec::new();
            for (name, text) in BUILT_IN {
                let profile = Profile::parse(text)?;
                rows.push(vec![name.to_owned(), profile.version.to_string(), profile.title]);
            }
            table(&["profile", "version", "reads"], rows, "no profiles");
            Ok(())
        }
        Action::Show { name } => {
            let text = built_in(&name).with_context(|| format!("no profile {name} is built in"))?;
            say!("{}", text.trim_end());
            Ok(())
        }
        Action::Check { profile, sample, rooftop, zone, rows } => {
            let zone = TimeZone::get(&zone).with_context(|| format!("--zone {zone}"))?;
            check(&read(&profile)?, &sample, &rooftop, zone, rows)
        }
    }
}

fn check(profile: &Profile, sample: &Path, rooftop: &str, zone: TimeZone, shown: u64) -> anyhow::Result<()> {
    let told = || format!("cannot read {}", sample.display());
    let mut rows = Rows::begin(profile, files::open(sample).with_context(told)?).with_context(told)?;
    for column in rows.absent() {
        eprintln!("the sample has no column {column}, which the profile reads");
    }
    let mut mapper = Mapper::on_trial(profile, rooftop, zone);
    let mut tally = Tally::default();
    while let Some(row) = rows.next().with_context(told)? {
        tally.read += 1;
        let (number, outcome) = match row {
            Ok(row) => (row.number, Ok(mapper.map(&row))),
            Err(broken) => (broken.number, Err(broken)),
        };
        let line = match outcome {
            Ok(Mapped::Events(events)) => {
                tally.kept += 1;
                let events: Vec<_> = events.iter().map(throughline_adapters::Event::to_json).collect();
                serde_json::json!({ "row": number, "events": events })
            }
            Ok(Mapped::Nothing(why)) => {
                tally.dropped(why.to_string());
                serde_json::json!({ "row": number, "dropped": why.to_string() })
            }
            Err(broken) => {
                tally.broken(broken.why.to_string());
                serde_json::json!({ "row": number, "broken": broken.why })
            }
        };
        if tally.read <= shown {
            json_line(&line)?;
        }
    }
    eprintln!("{}", serde_json::to_string(&tally)?);
    Ok(())
}
