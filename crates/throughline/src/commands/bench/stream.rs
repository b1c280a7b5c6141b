//! Requests made beforehand, so that a measurement times the suite and not the generator.
use std::time::{Duration, Instant};

use throughline_proto::{
    event::v1::Origin,
    ingestion::v1::{StreamEventsRequest, ingestion_service_client::IngestionServiceClient},
    tenant::v1::{CreateRooftopRequest, Rooftop, directory_service_client::DirectoryServiceClient},
};
use throughline_simulator::volume;
use tokio_stream::StreamExt as _;

use crate::{Connection, commands::demo::player::cloud_event};

/// Rooftops of one group.
pub const ROOFTOPS: u32 = 12;
/// Events of one request.
const BATCH: usize = 1_000;

/// Requests that hold at least `events` events of a simulated group.
///
/// # Errors
/// If an event cannot be serialized.
pub fn requests(seed: u64, events: u64, origin: Origin) -> anyhow::Result<Vec<StreamEventsRequest>> {
    let mut batches = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    // A deal makes about twelve events; more deals than needed are never drawn.
    for event in volume(seed, ROOFTOPS, events).take(usize::try_from(events)?) {
        batch.push(cloud_event(&event)?);
        if batch.len() == BATCH {
            batches.push(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    Ok(batches
        .into_iter()
        .zip(1..)
        .map(|(events, sequence)| StreamEventsRequest { sequence, events, origin: origin.into(), brief: true })
        .collect())
}

/// Adds the rooftops that the simulated events name.
///
/// # Errors
/// If the suite refuses.
pub async fn add_rooftops(connection: &Connection) -> anyhow::Result<()> {
    for number in 1..=ROOFTOPS {
        DirectoryServiceClient::new(connection.channel.clone())
            .create_rooftop(CreateRooftopRequest {
                parent: connection.parent.clone(),
                rooftop_id: format!("RT{number:03}"),
                rooftop: Some(Rooftop { zone: "America/New_York".to_owned(), ..Rooftop::default() }),
                request_id: uuid::Uuid::new_v4().to_string(),
                actor: String::new(),
            })
            .await?;
    }
    Ok(())
}

/// Sends everything through one stream; returns when the last batch is durable, with the events accepted.
///
/// # Errors
/// If the stream breaks or an event is set apart.
pub async fn send(connection: &Connection, requests: Vec<StreamEventsRequest>) -> anyhow::Result<(u64, Duration)> {
    let began = Instant::now();
    let mut acknowledgements = IngestionServiceClient::new(connection.channel.clone())
        .stream_events(tokio_stream::iter(requests))
        .await?
        .into_inner();
    let mut accepted = 0;
    while let Some(answer) = acknowledgements.next().await {
        let answer = answer?;
        accepted += u64::from(answer.accepted);
        if let Some(result) = answer.results.iter().find(|result| result.status.is_some()) {
            anyhow::bail!(
                "event {} was set apart: {:?}",
                result.id,
                result.status.as_ref().map(|status| &status.message)
            );
        }
    }
    Ok((accepted, began.elapsed()))
}
