//! `throughline board`: the board once.
use std::collections::HashMap;

use jiff::tz::TimeZone;
use throughline_proto::{
    deal::v1::{IntervalKind, WatchBoardRequest, deal_service_client::DealServiceClient},
    rule::v1::ListFlagsRequest,
    time::from_wire,
};

use crate::{
    Connection,
    client::{Patience, Server},
    commands::{deals::state_text, flags, rooftop},
    output::{Format, Output, json_line, last_segment, rooftop_of},
    view::Board,
};

/// Flags that are looked at for a board.
pub const FLAGS: usize = 500;

/// Show the board once.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these rooftops.
    #[arg(long)]
    rooftop: Vec<String>,
    /// At most so many lines of people who wait.
    #[arg(long, default_value_t = 25)]
    lines: usize,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    output: Output,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let connection = Connection::open(&arguments.server).await?;
    connection.caught_up("rules", arguments.patience.timeout).await?;
    let board = load(&connection, arguments.rooftop).await?;
    match arguments.output.format {
        Format::Table => {
            let flags = flags::list(&connection, open_flags(&connection), FLAGS).await?;
            say!("{}", board.text(&flags, &zones(&connection).await?, arguments.lines).trim_end());
            Ok(())
        }
        Format::Json => board.deals().try_for_each(|entry| {
            let of_kind = |kind| entry.intervals.iter().filter(move |interval| interval.kind() == kind);
            json_line(&serde_json::json!({
                "deal": last_segment(&entry.deal),
                "rooftop": rooftop_of(&entry.deal),
                "keys": entry.keys.iter().map(|key| format!("{}:{}", key.kind, key.value)).collect::<Vec<_>>(),
                "state": state_text(entry.state()),
                "vehicle_not_ready": entry.vehicle_not_ready,
                "waits": of_kind(IntervalKind::Handoff).map(|handoff| serde_json::json!({
                    "handoff": handoff.name, "for": handoff.owner_department,
                    "since": handoff.start.as_ref().and_then(|time| time.latest.as_ref()).and_then(from_wire).map(|at| at.to_string()),
                    "since_earliest": handoff.start.as_ref().and_then(|time| time.earliest.as_ref()).and_then(from_wire).map(|at| at.to_string()),
                    "quality": handoff.start.as_ref().map(|time| time.quality().as_str_name().trim_start_matches("TIME_QUALITY_").to_lowercase()),
                })).collect::<Vec<_>>(),
                "stages": of_kind(IntervalKind::Stage).map(|stage| stage.name.as_str()).collect::<Vec<_>>(),
            }))
        }),
    }
}

/// One snapshot.
///
/// # Errors
/// If the suite refuses.
pub async fn load(connection: &Connection, rooftops: Vec<String>) -> anyhow::Result<Board> {
    let request =
        WatchBoardRequest { parent: connection.parent.clone(), rooftops, once: true, ..WatchBoardRequest::default() };
    let mut stream = DealServiceClient::new(connection.channel.clone()).watch_board(request).await?.into_inner();
    let mut board = Board::default();
    while let Some(response) = stream.message().await? {
        board.apply(response);
    }
    Ok(board)
}

/// Asks for the group's standing flags.
pub fn open_flags(connection: &Connection) -> ListFlagsRequest {
    ListFlagsRequest { parent: connection.parent.clone(), ..ListFlagsRequest::default() }
}

/// The zone of each rooftop.
///
/// # Errors
/// If the suite refuses.
pub async fn zones(connection: &Connection) -> anyhow::Result<HashMap<String, TimeZone>> {
    Ok(rooftop::list(connection)
        .await?
        .into_iter()
        .filter_map(|rooftop| Some((last_segment(&rooftop.name).to_owned(), TimeZone::get(&rooftop.zone).ok()?)))
        .collect())
}
