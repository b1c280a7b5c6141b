//! A vendor's files: rows become events by a source profile, and every row is accounted for.
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use serde::Serialize;
use throughline_adapters::{Mapped, Mapper, Profile, Rows};
use throughline_proto::tenant::v1::{GetRooftopRequest, directory_service_client::DirectoryServiceClient};

use super::{
    files,
    lines::cloud_event,
    send::{Sender, Sent},
    tally::Tally,
};
use crate::{Connection, commands::profile, output::json_line};

/// Broken rows of one file that are told on stderr; all are counted.
const TOLD: u64 = 5;

/// What became of every row of every file, and of the events made of them.
#[derive(Debug, Default, Serialize)]
struct Summary {
    profile: String,
    version: u32,
    files: u64,
    /// Files that could not be read to their end, with the reason on stderr.
    files_failed: u64,
    rows: Tally,
    /// Made of the rows.
    events: u64,
    accepted: u64,
    duplicate: u64,
    quarantined: u64,
}

pub async fn run(connection: &Connection, named: &str, rooftop: &str, paths: &[PathBuf]) -> anyhow::Result<()> {
    let profile = profile::read(named)?;
    let name = format!("{}/rooftops/{rooftop}", connection.parent);
    let found = DirectoryServiceClient::new(connection.channel.clone())
        .get_rooftop(GetRooftopRequest { name })
        .await?
        .into_inner();
    let zone = TimeZone::get(&found.zone).with_context(|| format!("the zone of {rooftop}"))?;

    let mut summary = Summary { profile: profile.profile.clone(), version: profile.version, ..Summary::default() };
    let mut sender = Sender::begin(connection).await?;
    // One for all files: what was polled before is known in the next.
    let mut mapper = Mapper::new(&profile, rooftop, found.vendor_codes, zone);
    for path in paths {
        summary.files += 1;
        eprintln!("reading {}", path.display());
        match file(&mut sender, &profile, &mut mapper, path, &mut summary).await? {
            Ok(()) => {}
            Err(error) => {
                summary.files_failed += 1;
                let told = match error.kind() {
                    ErrorKind::UnexpectedEof => {
                        "it ends in the middle: copy it again, then import it once more".to_owned()
                    }
                    _ => error.to_string(),
                };
                eprintln!("{}: {told}", path.display());
            }
        }
    }
    let Sent { accepted, duplicate, quarantined } = sender.finish().await?;
    (summary.accepted, summary.duplicate, summary.quarantined) = (accepted, duplicate, quarantined);
    json_line(&summary)?;
    anyhow::ensure!(
        summary.files_failed == 0,
        "{} of {} files were not read to their end",
        summary.files_failed,
        summary.files
    );
    Ok(())
}

/// Sends the events of one file. The inner error is the file's: the others go on.
async fn file(
    sender: &mut Sender,
    profile: &Profile,
    mapper: &mut Mapper<'_>,
    path: &Path,
    summary: &mut Summary,
) -> anyhow::Result<std::io::Result<()>> {
    let begun = files::look(path).and_then(|before| Ok((before, Rows::begin(profile, files::open(path)?)?)));
    let (before, mut rows) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(Err(error)),
    };
    for column in rows.absent() {
        eprintln!("{}: no column {column}, which the profile reads", path.display());
    }
    let tally = &mut summary.rows;
    let mut broken_here = 0;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        };
        tally.read += 1;
        match row.map(|row| mapper.map(&row)) {
            Ok(Mapped::Events(events)) => {
                tally.kept += 1;
                for event in events {
                    summary.events += 1;
                    sender.push(cloud_event(event.to_json())).await?;
                }
            }
            Ok(Mapped::Nothing(why)) => tally.dropped(why.to_string()),
            Err(broken) => {
                broken_here += 1;
                if broken_here <= TOLD {
                    eprintln!("{}: {broken}", path.display());
                }
                tally.broken(broken.why.into_owned());
            }
        }
    }
    Ok(files::look(path).and_then(|after| match after == before {
        true => Ok(()),
        false => {
            Err(std::io::Error::other("it was changed while it was read: import it once more when it is complete"))
        }
    }))
}
