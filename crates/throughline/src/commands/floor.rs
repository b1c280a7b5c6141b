//! `throughline floor`: how rooftops stand now.

mod json;
mod text;

use jiff::tz::TimeZone;
use throughline_proto::rule::v1::{Floor, GetFloorRequest, floor_service_client::FloorServiceClient};

use crate::{
    Connection,
    client::{Patience, Server},
    commands::board,
    output::{Format, Output, json_line, rooftop_of},
};

/// Show how rooftops stand.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these rooftops.
    #[arg(long)]
    rooftop: Vec<String>,
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
    let zones = board::zones(&connection).await?;
    let mut rooftops = arguments.rooftop;
    if rooftops.is_empty() {
        rooftops = zones.keys().cloned().collect();
        rooftops.sort_unstable();
    }
    if rooftops.is_empty() && arguments.output.format == Format::Table {
        say!("no rooftops yet: add one with `throughline rooftop add ID --zone ZONE`");
    }
    for (place, rooftop) in rooftops.iter().enumerate() {
        let floor = get(&connection, rooftop).await?;
        match arguments.output.format {
            Format::Json => json_line(&json::floor(&floor))?,
            Format::Table => {
                let zone = zones.get(rooftop_of(&floor.name)).cloned().unwrap_or(TimeZone::UTC);
                let gap = if place > 0 { "\n" } else { "" };
                say!("{gap}{}", text::floor(&floor, &zone).trim_end());
            }
        }
    }
    Ok(())
}

async fn get(connection: &Connection, rooftop: &str) -> anyhow::Result<Floor> {
    let name = format!("{}/rooftops/{rooftop}/floor", connection.parent);
    let request = GetFloorRequest { name, at_least: String::new() };
    Ok(FloorServiceClient::new(connection.channel.clone()).get_floor(request).await?.into_inner())
}
