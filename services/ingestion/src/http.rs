//! `POST /v1/events`: CloudEvents over HTTP, structured, batched or binary, for senders that do no gRPC.

pub(crate) mod hooks;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::value::RawValue;
use throughline_platform::{Failure, MAX_MESSAGE_BYTES, Principal, Reason, failure::Code, principal::Scope};
use throughline_proto::{event::v1::Origin, ingestion::v1::Outcome};

use crate::{
    intake::{Answer, Incoming, Intake, Manner, Patience, check_count},
    wire::{
        json::{Entry, JsonEvent, parse, split_any, split_batch, split_one},
        result::render_json,
    },
};

/// The routes of this service.
pub(crate) fn routes(intake: Intake) -> Router {
    Router::new().route("/v1/events", post(append)).layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES)).with_state(intake)
}

/// How the events of a request are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Structured,
    Batch,
    /// An event or an array of them.
    Plain,
    /// Attributes in headers, data in the body.
    Binary,
}

async fn append(
    State(intake): State<Intake>,
    principal: Principal,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    principal.require(Scope::Ingest)?;
    let body = body.map_err(refused_body)?;
    let (mode, entries) = entries(&headers, &body)?;
    let manner = Manner { origin: Origin::Live, actor: String::new(), from_file: false };
    let events = entries.iter().map(|entry| match entry {
        Entry::Event(event) => Incoming::Sent { id: event.id(), event: event.sent() },
        Entry::NoObject => Incoming::Unreadable,
    });
    let call = intake.prepare(&principal, &manner, Patience::Refuse, events).await?;
    let answer = intake.settle(call, Patience::Refuse).await?;
    Ok(render(mode, answer))
}

/// The events of a request, and how they are written.
pub(crate) fn entries<'r>(headers: &'r HeaderMap, body: &'r [u8]) -> Result<(Mode, Vec<Entry<'r>>), Failure> {
    let mode = mode(headers)?;
    let entries = match mode {
        Mode::Binary => vec![Entry::Event(Box::new(JsonEvent::binary(attributes(headers), body)))],
        Mode::Structured => read(split_one(body))?,
        Mode::Batch => read(split_batch(body))?,
        Mode::Plain => read(split_any(body))?,
    };
    Ok((mode, entries))
}

/// A batch is answered event by event. The sender of a single event may look at nothing but the status of the answer, so a
/// refused one is an error; one that is kept apart is not: it need not be sent again.
fn render(mode: Mode, answer: Answer) -> Response {
    if matches!(mode, Mode::Structured | Mode::Binary)
        && let [event] = answer.events.as_slice()
        && event.outcome == Outcome::Refused
        && let Some(why) = &event.why
    {
        return why.clone().into_response();
    }
    (StatusCode::OK, Json(render_json(&answer))).into_response()
}

fn mode(headers: &HeaderMap) -> Result<Mode, Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/cloudevents-batch+json" => Ok(Mode::Batch),
        "application/json" | "" if headers.contains_key("ce-id") => Ok(Mode::Binary),
        "application/json" => Ok(Mode::Plain),
        _ => Err(Failure::invalid(
            "content-type",
            "is none of application/cloudevents+json, application/cloudevents-batch+json, application/json",
        )),
    }
}

fn attributes(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value.to_str().ok()?)))
}

fn read(split: Result<Vec<&RawValue>, serde_json::Error>) -> Result<Vec<Entry<'_>>, Failure> {
    let entries = split.map_err(no_events)?;
    check_count(entries.len())?;
    Ok(entries.into_iter().map(parse).collect())
}

/// serde's own message may repeat what was sent, so only the place is told.
fn no_events(error: serde_json::Error) -> Failure {
    let what = format!("is no json that holds events (line {} column {})", error.line(), error.column());
    Failure::invalid("body", what)
}

fn refused_body(rejection: BytesRejection) -> Failure {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Failure::new(Code::InvalidArgument, Reason::MalformedMessage, "the body could not be read").because(rejection)
}

fn too_large() -> Failure {
    let message = format!("the body is larger than {MAX_MESSAGE_BYTES} bytes: send fewer events at once");
    Failure::new(Code::ResourceExhausted, Reason::MessageTooLarge, message)
}
