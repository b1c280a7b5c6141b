//! `StreamEvents`: requests are read and placed one after the other; several are in commit at once; each is acknowledged in
//! order when it is durable. A caller that reads no acknowledgements is not read from either (HTTP/2 flow control).

use std::future::ready;

use futures::{Stream, StreamExt, stream::once};
use throughline_platform::{Failure, principal::Scope, trace};
use throughline_proto::{
    ingestion::v1::{Outcome, StreamEventsRequest, StreamEventsResponse},
    log::v1::TraceContext,
};
use tokio::task::JoinHandle;
use tonic::{Status, Streaming, codegen::http::HeaderValue};

use super::{Ingestion, request};
use crate::{
    intake::{Answer, Incoming, Intake, Patience, Prepared, check_count},
    wire::{cloud_event, result},
};

/// Batches of one stream that are in commit at once: enough to keep a commit and the reading of the next busy.
const IN_FLIGHT: usize = 8;

struct Batch {
    sequence: u64,
    brief: bool,
    call: Prepared,
}

/// Answers a stream until it ends, fails, or the process is to stop: what was read by then is still acknowledged.
pub(super) fn run(
    service: Ingestion,
    credentials: Option<HeaderValue>,
    requests: Streaming<StreamEventsRequest>,
) -> impl Stream<Item = Result<StreamEventsResponse, Status>> + Send {
    // The stream is answered outside of the call that opened it, so its trace is taken along.
    let trace = trace::current();
    let stopping = service.cx.tasks.shutdown();
    let last = stopping.clone();
    let settling = service.clone();
    requests
        .take_until(stopping.cancelled_owned())
        .then(move |batch| {
            let (service, credentials, trace) = (service.clone(), credentials.clone(), trace.clone());
            async move {
                let prepared = begin(trace, service, credentials, batch?);
                prepared.await.map_err(Failure::internal).flatten().map_err(Status::from)
            }
        })
        // Nothing is read behind a batch that is wrong, and those before it are acknowledged first.
        .scan(false, |failed, batch| {
            let next = (!*failed).then_some(batch);
            *failed = matches!(next, Some(Err(_)));
            ready(next)
        })
        .map(move |batch| {
            let batch = batch.map(|batch| (batch.sequence, batch.brief, settle(settling.intake.clone(), batch.call)));
            async move {
                let (sequence, brief, settled) = batch?;
                let answer = settled.await.map_err(Failure::internal).flatten()?;
                Ok(acknowledge(sequence, brief, answer))
            }
        })
        .buffered(IN_FLIGHT)
        .chain(
            once(async move {
                let stopped = last.is_cancelled();
                stopped.then(|| Err(Failure::unavailable("this process", "it is being stopped").into()))
            })
            .filter_map(ready),
        )
}

/// Prepares in a task of its own, for the same reason for which [`settle`] has one: a caller that stops reading must not
/// hold what others wait for.
fn begin(
    trace: TraceContext,
    service: Ingestion,
    credentials: Option<HeaderValue>,
    batch: StreamEventsRequest,
) -> JoinHandle<Result<Batch, Failure>> {
    #[expect(clippy::disallowed_methods, reason = "one at a time a stream, gone as soon as it has read the directory")]
    tokio::spawn(trace::scope(trace, async move { prepare(service, credentials, batch).await }))
}

async fn prepare(
    service: Ingestion,
    credentials: Option<HeaderValue>,
    batch: StreamEventsRequest,
) -> Result<Batch, Failure> {
    // Asked for each batch and remembered for seconds: a stream outlives no key by much.
    let principal = service.cx.auth.authenticate(credentials.as_ref()).await?;
    principal.require(Scope::Ingest)?;
    check_count(batch.events.len())?;
    let manner = request::manner(batch.origin, String::new())?;
    let events = batch.events.iter().map(|event| Incoming::Sent { id: &event.id, event: cloud_event::parse(event) });
    let call = service.intake.prepare(&principal, &manner, Patience::Wait, events).await?;
    Ok(Batch { sequence: batch.sequence, brief: batch.brief, call })
}

/// Commits in a task of its own: a caller that stops reading its acknowledgements must not stand in the lanes' queues with
/// work that nobody drives on. It ends by itself, as soon as its lanes have answered.
fn settle(intake: Intake, call: Prepared) -> JoinHandle<Result<Answer, Failure>> {
    #[expect(clippy::disallowed_methods, reason = "one a batch, bounded by the room for events, gone with its commit")]
    tokio::spawn(async move { intake.settle(call, Patience::Wait).await })
}

fn acknowledge(sequence: u64, brief: bool, answer: Answer) -> StreamEventsResponse {
    let told = answer.events.into_iter().filter(|event| !brief || event.outcome != Outcome::Accepted);
    StreamEventsResponse {
        sequence,
        results: told.map(result::render).collect(),
        accepted: answer.accepted,
        consistency_token: answer.consistency_token,
        duplicates: answer.duplicates,
    }
}
