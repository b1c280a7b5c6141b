//! Plays simulated events through the public stream, each when its time has come.
use std::{collections::HashMap, vec::IntoIter};

use anyhow::Context as _;
use jiff::Timestamp;
use throughline_proto::{
    cloudevents::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    event::v1::Origin,
    ingestion::v1::{StreamEventsRequest, StreamEventsResponse, ingestion_service_client::IngestionServiceClient},
    time::to_wire,
};
use throughline_simulator::Simulated;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::Connection;

/// Events of one request at most.
const BATCH: usize = 500;

/// What became of the events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// Sent.
    pub sent: u64,
    /// Accepted.
    pub accepted: u64,
    /// Repeated on purpose, and known as such.
    pub duplicates: u64,
    /// Quarantined or refused.
    pub set_apart: u64,
}

/// A day under way.
pub struct Player {
    events: std::iter::Peekable<IntoIter<Simulated>>,
    requests: mpsc::Sender<StreamEventsRequest>,
    acknowledgements: Streaming<StreamEventsResponse>,
    sequence: u64,
    played: Played,
}

impl Player {
    /// Opens the stream.
    ///
    /// # Errors
    /// If the suite refuses.
    pub async fn start(connection: &Connection, events: Vec<Simulated>) -> anyhow::Result<Self> {
        let (requests, receive) = mpsc::channel(1);
        let acknowledgements = IngestionServiceClient::new(connection.channel.clone())
            .stream_events(ReceiverStream::new(receive))
            .await?
            .into_inner();
        Ok(Self {
            events: events.into_iter().peekable(),
            requests,
            acknowledgements,
            sequence: 0,
            played: Played::default(),
        })
    }

    /// Sends everything that has arrived by `now` and waits until it is durable. False: the day is over.
    ///
    /// # Errors
    /// If the stream breaks.
    pub async fn advance(&mut self, now: Timestamp) -> anyhow::Result<bool> {
        loop {
            let mut events = Vec::new();
            while events.len() < BATCH {
                match self.events.next_if(|simulated| simulated.arrives_at <= now) {
                    Some(simulated) => events.push(cloud_event(&simulated.event)?),
                    None => break,
                }
            }
            if events.is_empty() {
                return Ok(self.events.peek().is_some());
            }
            self.sequence += 1;
            self.played.sent += events.len() as u64;
            let request =
                StreamEventsRequest { sequence: self.sequence, events, origin: Origin::Live.into(), brief: true };
            let sent = self.requests.send(request).await.is_ok();
            let answer = self.acknowledgements.message().await?.context("the stream ended early")?;
            anyhow::ensure!(sent && answer.sequence == self.sequence, "the acknowledgements are out of order");
            self.count(&answer);
        }
    }

    fn count(&mut self, answer: &StreamEventsResponse) {
        self.played.accepted += u64::from(answer.accepted);
        self.played.duplicates += u64::from(answer.duplicates);
        for result in answer.results.iter().filter(|result| result.status.is_some()) {
            self.played.set_apart += 1;
            let why = result.status.as_ref().map(|status| status.message.as_str()).unwrap_or_default();
            eprintln!("event {} was not accepted: {why}", result.id);
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// If it does not end well.
    pub async fn finish(self) -> anyhow::Result<Played> {
        let Self { requests, mut acknowledgements, played, .. } = self;
        drop(requests);
        while acknowledgements.message().await?.is_some() {}
        Ok(played)
    }
}

/// The protobuf form of a simulated event.
///
/// # Errors
/// If its data cannot be serialized.
pub fn cloud_event(event: &throughline_simulator::CloudEvent) -> anyhow::Result<CloudEvent> {
    let text = |value: &str| CloudEventAttributeValue { attr: Some(Attr::CeString(value.to_owned())) };
    let mut attributes = HashMap::from([
        ("rooftop".to_owned(), text(&event.rooftop)),
        ("time".to_owned(), CloudEventAttributeValue { attr: Some(Attr::CeTimestamp(to_wire(event.time))) }),
    ]);
    if let Some(subject) = &event.subject {
        attributes.insert("subject".to_owned(), text(subject));
    }
    Ok(CloudEvent {
        id: event.id.clone(),
        source: event.source.to_string(),
        spec_version: "1.0".to_owned(),
        r#type: event.kind.to_string(),
        attributes,
        data: Some(Data::TextData(serde_json::to_string(&event.data)?)),
    })
}
