//! `throughline import FILE…`: canonical JSON lines, plain or gzip, in order, as history.
mod lines;
mod rooftops;

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use throughline_proto::{
    event::v1::Origin,
    ingestion::v1::{
        Outcome, StreamEventsRequest, StreamEventsResponse, ingestion_service_client::IngestionServiceClient,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{Connection, client::Server, output::json_line};
use lines::{Line, Lines};

/// Events of one request: large enough that a commit is shared, small enough that an acknowledgement comes soon.
const BATCH: usize = 1_000;
/// Requests under way before the acknowledgement of the first is awaited.
const IN_FLIGHT: usize = 8;

/// Import files of canonical events.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files of JSON lines, plain or gzip, each a CloudEvent; read in the order given.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Add rooftops that the directory does not know.
    #[arg(long)]
    create_rooftops: bool,
    /// Zone of the rooftops that are added.
    #[arg(long, default_value = "UTC", requires = "create_rooftops")]
    zone: String,
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
    let connection = Connection::open(&arguments.server).await?;
    let zone = arguments.create_rooftops.then_some(arguments.zone.as_str());
    let summary = import(&connection, &arguments.files, zone).await?;
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
pub async fn import(connection: &Connection, files: &[PathBuf], zone: Option<&str>) -> anyhow::Result<Summary> {
    let mut known = match zone {
        Some(zone) => Some(rooftops::Known::load(connection, zone).await?),
        None => None,
    };
    let (send, requests) = mpsc::channel::<StreamEventsRequest>(1);
    let mut acknowledgements = IngestionServiceClient::new(connection.channel.clone())
        .stream_events(ReceiverStream::new(requests))
        .await?
        .into_inner();

    let mut summary = Summary::default();
    let mut sequence = 0;
    let mut in_flight = 0;
    for file in files {
        eprintln!("reading {}", file.display());
        let mut lines = Lines::open(file)?;
        loop {
            let mut events = Vec::with_capacity(BATCH);
            while events.len() < BATCH {
                match lines.next().with_context(|| format!("cannot read {}", file.display()))? {
                    None => break,
                    Some(Line::Event(event)) => {
                        summary.read += 1;
                        if let Some(known) = &mut known {
                            known.ensure(connection, &event).await?;
                        }
                        events.push(*event);
                    }
                    Some(Line::Unreadable { number, why }) => {
                        summary.read += 1;
                        summary.quarantined += 1;
                        eprintln!("{}:{number}: not sent: {why}", file.display());
                    }
                }
            }
            if events.is_empty() {
                break;
            }
            sequence += 1;
            let request = StreamEventsRequest { sequence, events, origin: Origin::Backfill.into(), brief: true };
            // The stream may end before the request is taken: its status says why.
            let sent = send.send(request).await.is_ok();
            in_flight += 1;
            if in_flight >= IN_FLIGHT || !sent {
                let Some(answer) = acknowledgements.message().await? else { anyhow::bail!("the stream ended early") };
                in_flight -= 1;
                count(&mut summary, &answer);
            }
        }
    }
    drop(send);
    while let Some(answer) = acknowledgements.message().await? {
        in_flight -= 1;
        count(&mut summary, &answer);
    }
    anyhow::ensure!(in_flight == 0, "the stream ended before {in_flight} batches were acknowledged");
    Ok(summary)
}

fn count(summary: &mut Summary, answer: &StreamEventsResponse) {
    summary.accepted += u64::from(answer.accepted);
    summary.duplicate += u64::from(answer.duplicates);
    for result in &answer.results {
        if matches!(result.outcome(), Outcome::Quarantined | Outcome::Refused) {
            summary.quarantined += 1;
            let why = result.status.as_ref().map(|status| status.message.as_str()).unwrap_or("no reason given");
            eprintln!(
                "event {}: {}: {why}",
                result.id,
                if result.outcome() == Outcome::Refused { "refused" } else { "quarantined" }
            );
        }
    }
    if answer.sequence.is_multiple_of(20) {
        eprintln!("{} durable, {} repeated, {} set apart", summary.accepted, summary.duplicate, summary.quarantined);
    }
}
