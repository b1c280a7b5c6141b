//! Events on their way: batches through one stream, a few of them under way at a time.
use throughline_proto::{
    cloudevents::CloudEvent,
    event::v1::Origin,
    ingestion::v1::{
        EventResult, Outcome, StreamEventsRequest, StreamEventsResponse,
        ingestion_service_client::IngestionServiceClient,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic_types::{BadRequest, RpcStatusExt};

use crate::Connection;

/// Events of one request: large enough that a commit is shared, small enough that an acknowledgement comes soon.
const BATCH: usize = 1_000;
/// Requests under way before the acknowledgement of the first is awaited.
const IN_FLIGHT: usize = 8;

/// What became of the events sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub accepted: u64,
    pub duplicate: u64,
    /// Kept apart or refused, with a reason each on stderr.
    pub quarantined: u64,
}

/// Sends events in order.
pub struct Sender {
    requests: mpsc::Sender<StreamEventsRequest>,
    acknowledgements: Streaming<StreamEventsResponse>,
    origin: Origin,
    batch: Vec<CloudEvent>,
    sequence: u64,
    in_flight: usize,
    sent: Sent,
}

impl Sender {
    /// Opens the stream; all events are of this origin.
    ///
    /// # Errors
    /// If the suite refuses.
    pub async fn begin(connection: &Connection, origin: Origin) -> anyhow::Result<Self> {
        let (requests, taken) = mpsc::channel(1);
        let acknowledgements = IngestionServiceClient::new(connection.channel.clone())
            .stream_events(ReceiverStream::new(taken))
            .await?
            .into_inner();
        let batch = Vec::with_capacity(BATCH);
        Ok(Self { requests, acknowledgements, origin, batch, sequence: 0, in_flight: 0, sent: Sent::default() })
    }

    /// Sends one more event, with others.
    ///
    /// # Errors
    /// If the stream ended; what was acknowledged is durable.
    pub async fn push(&mut self, event: CloudEvent) -> anyhow::Result<()> {
        self.batch.push(event);
        if self.batch.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.sequence += 1;
        let events = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let request = StreamEventsRequest { sequence: self.sequence, events, origin: self.origin.into(), brief: true };
        // The stream may end before the request is taken: its status says why.
        let taken = self.requests.send(request).await.is_ok();
        self.in_flight += 1;
        if self.in_flight >= IN_FLIGHT || !taken {
            let Some(answer) = self.acknowledgements.message().await? else { anyhow::bail!("the stream ended early") };
            self.in_flight -= 1;
            self.sent.count(&answer);
        }
        Ok(())
    }

    /// Sends the rest and waits until all of it is acknowledged.
    ///
    /// # Errors
    /// If the stream ended before.
    pub async fn finish(mut self) -> anyhow::Result<Sent> {
        self.flush().await?;
        let Self { requests, mut acknowledgements, mut in_flight, mut sent, .. } = self;
        drop(requests);
        while let Some(answer) = acknowledgements.message().await? {
            in_flight -= 1;
            sent.count(&answer);
        }
        anyhow::ensure!(in_flight == 0, "the stream ended before {in_flight} batches were acknowledged");
        Ok(sent)
    }
}

impl Sent {
    fn count(&mut self, answer: &StreamEventsResponse) {
        self.accepted += u64::from(answer.accepted);
        self.duplicate += u64::from(answer.duplicates);
        for result in &answer.results {
            if matches!(result.outcome(), Outcome::Quarantined | Outcome::Refused) {
                self.quarantined += 1;
                let why = result.status.as_ref().map_or("no reason given", |status| status.message.as_str());
                let what = if result.outcome() == Outcome::Refused { "refused" } else { "quarantined" };
                eprintln!("{}: {what}: {why}", named(result));
            }
        }
        if answer.sequence.is_multiple_of(20) {
            eprintln!("{} durable, {} repeated, {} set apart", self.accepted, self.duplicate, self.quarantined);
        }
    }
}

/// An event by its id; one whose id did not pass may be called anything, a customer's name too.
pub fn named(result: &EventResult) -> String {
    let details = result.status.as_ref().map(RpcStatusExt::get_error_details).unwrap_or_default();
    let at_id = |bad: &BadRequest| bad.field_violations.iter().any(|violation| violation.field.ends_with("].id"));
    match details.bad_request().is_some_and(at_id) {
        true => "an event whose id did not pass".to_owned(),
        false => format!("event {}", result.id),
    }
}
