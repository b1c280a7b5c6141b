//! `throughline import PATH…`: canonical JSON lines or, with a profile, a vendor's files; plain or gzip, in order, as history
//! unless `--live` says otherwise.
pub mod files;
mod lines;
mod profiled;
mod rooftops;
mod send;
pub mod tally;

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use throughline_proto::event::v1::Origin;

use crate::{Connection, client::Server, output::json_line};
use lines::{Line, Lines};
use send::{Sender, Sent};

/// Import files.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files, plain or gzip, or folders of them; read in the order given, those of a folder by name. Without a profile each
    /// line is a CloudEvent in JSON.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Source profile by which rows become events: a built-in one (`throughline profile list`) or a YAML file.
    #[arg(long, value_name = "NAME|FILE", requires = "rooftop", conflicts_with = "create_rooftops")]
    profile: Option<String>,
    /// The rooftop whose files these are.
    #[arg(long, value_name = "ID", requires = "profile")]
    rooftop: Option<String>,
    /// Add rooftops that the directory does not know.
    #[arg(long)]
    create_rooftops: bool,
    /// Zone of the rooftops that are added.
    #[arg(long, default_value = "UTC", requires = "create_rooftops")]
    zone: String,
    /// What the files say is of the present, not history: what happened at most two hours ago in them raises alerts.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    server: Server,
}

/// What became of every line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines read, empty ones not counted.
    pub read: u64,
    /// Durable now.
    pub accepted: u64,
    /// Accepted before, with the same content.
    pub duplicate: u64,
    /// Kept apart or refused, with a reason each on stderr.
    pub quarantined: u64,
}

impl Summary {
    fn accounted(&self) -> bool {
        self.read == self.accepted + self.duplicate + self.quarantined
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Err(error) = jiff::tz::TimeZone::get(&arguments.zone) {
        anyhow::bail!("--zone {}: {error}", arguments.zone);
    }
    let files = files::at(&arguments.paths)?;
    let connection = Connection::open(&arguments.server).await?;
    if let (Some(profile), Some(rooftop)) = (&arguments.profile, &arguments.rooftop) {
        return profiled::run(&connection, profile, rooftop, &files, arguments.live).await;
    }
    let zone = arguments.create_rooftops.then_some(arguments.zone.as_str());
    let origin = if arguments.live { Origin::Live } else { Origin::Backfill };
    let summary = import(&connection, &files, zone, origin).await?;
    json_line(&summary)?;
    anyhow::ensure!(
        summary.accounted(),
        "{} of {} lines are accounted for: import the same files again, what was accepted counts as duplicate",
        summary.accepted + summary.duplicate + summary.quarantined,
        summary.read
    );
    Ok(())
}

/// Sends the files in order through one stream.
///
/// # Errors
/// If a file cannot be read, or the stream ends before every batch is acknowledged; what was acknowledged is durable.
pub async fn import(
    connection: &Connection,
    files: &[PathBuf],
    zone: Option<&str>,
    origin: Origin,
) -> anyhow::Result<Summary> {
    let mut known = match zone {
        Some(zone) => Some(rooftops::Known::load(connection, zone).await?),
        None => None,
    };
    let mut sender = Sender::begin(connection, origin).await?;
    let (mut read, mut unreadable) = (0, 0);
    for file in files {
        eprintln!("reading {}", file.display());
        let mut lines = Lines::open(file)?;
        while let Some(line) = lines.next().with_context(|| format!("cannot read {}", file.display()))? {
            read += 1;
            match line {
                Line::Event(event) => {
                    if let Some(known) = &mut known {
                        known.ensure(connection, &event).await?;
                    }
                    sender.push(*event).await?;
                }
                Line::Unreadable { number, why } => {
                    unreadable += 1;
                    eprintln!("{}:{number}: not sent: {why}", file.display());
                }
            }
        }
    }
    let Sent { accepted, duplicate, quarantined } = sender.finish().await?;
    Ok(Summary { read, accepted, duplicate, quarantined: quarantined + unreadable })
}
