//! `POST /v1/hooks/{hook}`: what sources push, signed. Nobody shows a key here, so each step costs no more than the one before
//! it has earned: room, the body, its headers, its signature, and only then what it says.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest, Path, Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Serialize;
use serde_json::{Value, json};
use throughline_platform::{
    Failure, MAX_MESSAGE_BYTES, Principal, Reason,
    clock::Clock,
    db::Db,
    failure::Code,
    signature::{Secret, is_signed},
};
use throughline_proto::{event::v1::Origin, ingestion::v1::Outcome};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{refused_body, too_large};
use crate::{
    count::{Counts, Delivery},
    domain::{
        hook::{self, Reader},
        signed::{REMEMBERED, Signed, Unsigned},
    },
    intake::{Answer, Incoming, Intake, Manner, Patience, check_count},
    rows::{self, Tally},
    store::hooks::{self, Called, Message},
    wire::json::{Entry, parse, split_any},
};

/// For the bodies of all calls together, KiB: a flood of them takes no more.
const ROOM: u32 = 64 * 1024;
/// What a body takes of it at least, KiB: a flood of small ones leaves half of the port's calls (`--max-in-flight`) to others.
const LEAST: u32 = 256;
/// A body that has not come by then is cut off, and gives its room to another.
const BODY: Duration = Duration::from_secs(10);

/// What an unknown hook's bodies are held against, so that it takes as long as a known one.
static NOBODYS: LazyLock<Secret> = LazyLock::new(Secret::generate);

/// Takes what is posted to hooks.
#[derive(Clone)]
pub(crate) struct Hooks {
    db: Db,
    clock: Clock,
    intake: Intake,
    counts: Counts,
    room: Arc<Semaphore>,
}

/// The routes of hooks, which need no key.
pub(crate) fn routes(db: Db, intake: Intake) -> Router {
    let (clock, counts) = (intake.clock.clone(), intake.counts.clone());
    let hooks = Hooks { db, clock, intake, counts, room: Arc::new(Semaphore::new(ROOM as usize)) };
    Router::new().route("/v1/hooks/{hook}", post(deliver)).with_state(hooks)
}

async fn deliver(State(hooks): State<Hooks>, Path(id): Path<String>, request: Request) -> Response {
    match hooks.take(id, request).await {
        Ok((delivery, status, answer)) => {
            hooks.counts.delivered(delivery);
            (status, Json(answer)).into_response()
        }
        Err((delivery, failure)) => {
            hooks.counts.delivered(delivery);
            failure.into_response()
        }
    }
}

type Refused = (Delivery, Failure);

/// What a delivery came to. It holds counts alone.
#[derive(Debug, Default, Serialize)]
struct Told {
    accepted: u32,
    duplicate: u32,
    quarantined: u32,
    refused: u32,
    /// Of quarantined and refused events.
    reasons: BTreeMap<&'static str, u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Tally>,
    #[serde(rename = "consistencyToken")]
    consistency_token: String,
}

impl Hooks {
    async fn take(&self, id: String, request: Request) -> Result<(Delivery, StatusCode, Value), Refused> {
        let headers = request.headers().clone();
        let _room = self.room(&headers)?;
        let body = match timeout(BODY, Bytes::from_request(request, &())).await {
            Ok(read) => read.map_err(|rejection| failed(refused_body(rejection)))?,
            Err(late) => return Err((Delivery::Unreadable, Failure::deadline().because(late))),
        };
        let now = self.clock.now();
        let header = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok());
        let signed = Signed::read(header, now).map_err(|why| {
            let delivery = if why == Unsigned::Clock { Delivery::Clock } else { Delivery::Unsigned };
            (delivery, Failure::unauthenticated(why.to_string()))
        })?;
        let called = self.called(&id).await.map_err(failed)?;
        let secret = authenticate(called.as_ref(), &signed, &body, now).cloned();
        let (Some(called), Some(secret)) = (called, secret.clone()) else {
            // One answer for whoever has no part in it: nobody learns by trying which hooks there are.
            let message = "the signature is not that of this hook: sign id.timestamp.body with its secret";
            return Err((Delivery::Forged, Failure::unauthenticated(message)));
        };
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let failure = Failure::invalid("content-encoding", "is not read: send the body as it is");
            return Err((Delivery::Unreadable, failure));
        }
        let message = Message {
            group: called.group.clone(),
            hook: id,
            id: secret.fingerprint("webhook-id", signed.id.as_bytes()),
            body: secret.fingerprint("body", &body),
        };
        if let Some(before) = self.repeated(&message).await? {
            return Ok(before);
        }
        let told = self.append(&called, &message.hook, &body).await?;
        self.answer(message, told).await
    }

    /// Room for the body, as large as it says it is; one that says nothing may be as large as any.
    fn room(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Refused> {
        let length =
            headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(MAX_MESSAGE_BYTES);
        if length > MAX_MESSAGE_BYTES {
            return Err(failed(too_large()));
        }
        let kib = u32::try_from(length.div_ceil(1024)).unwrap_or(ROOM).max(LEAST);
        self.room.clone().try_acquire_many_owned(kib).map_err(|_| {
            let failure = Failure::overloaded("the room for bodies of hooks", Duration::from_secs(1));
            (Delivery::Overloaded, failure)
        })
    }

    async fn called(&self, id: &str) -> Result<Option<Called>, Failure> {
        let sound = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if sound { hooks::called(&self.db, id.to_owned()).await } else { Ok(None) }
    }

    /// The answer to a message that came before.
    async fn repeated(&self, message: &Message) -> Result<Option<(Delivery, StatusCode, Value)>, Refused> {
        let found = hooks::answered(&self.db, message.clone(), self.clock.now()).await.map_err(failed)?;
        let Some((body, answer)) = found else { return Ok(None) };
        if body != message.body {
            let what = "the webhook-id came before with another body: give each message an id of its own";
            return Err((Delivery::Unreadable, Failure::new(Code::AlreadyExists, Reason::RequestIdReused, what)));
        }
        let mut answer: Value = serde_json::from_str(&answer).map_err(|why| failed(Failure::internal(why)))?;
        answer["repeated"] = json!(true);
        Ok(Some((Delivery::Repeated, StatusCode::OK, answer)))
    }

    /// Appends what a body says: durable when it returns, and nothing that comes behind the log is waited for.
    async fn append(&self, called: &Called, id: &str, body: &Bytes) -> Result<Told, Refused> {
        let unusable = || failed(Failure::internal("a stored hook cannot be used"));
        let principal = hook::principal(&called.group, id, &called.rooftop, &called.source).ok_or_else(unusable)?;
        let reader = Reader::load(&called.profile, &called.profile_yaml).map_err(|_| unusable())?;
        match reader {
            Reader::Canonical => {
                // serde's own message may repeat what was sent, so only the place is told.
                let entries = split_any(body).map_err(|error| {
                    let place = format!("line {} column {}", error.line(), error.column());
                    (Delivery::Unreadable, Failure::invalid("body", format!("is no json that holds events ({place})")))
                })?;
                check_count(entries.len()).map_err(|failure| (Delivery::Unreadable, failure))?;
                let answer = self.settle(&principal, entries.into_iter().map(parse).collect()).await?;
                told(answer, None)
            }
            Reader::Rows(profile) => {
                let made = rows::read(&profile, body, &called.rooftop, &self.intake.memory, &principal)
                    .await
                    .map_err(|failure| (Delivery::of(&failure), failure))?;
                self.counts.rows(&made.tally);
                let texts = made.events.iter();
                let entries = texts.map(|text| serde_json::from_str(text).map(|event| Entry::Event(Box::new(event))));
                let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|why| failed(Failure::internal(why)))?;
                let answer =
                    if entries.is_empty() { Answer::default() } else { self.settle(&principal, entries).await? };
                told(answer, Some(made.tally))
            }
        }
    }

    async fn settle(&self, principal: &Principal, entries: Vec<Entry<'_>>) -> Result<Answer, Refused> {
        let manner = Manner { origin: Origin::Live, actor: String::new(), from_file: false };
        let events = entries.iter().map(|entry| match entry {
            Entry::Event(event) => Incoming::Sent { id: event.id(), event: event.sent() },
            Entry::NoObject => Incoming::Unreadable,
        });
        let call = self.intake.prepare(principal, &manner, Patience::Refuse, events).await.map_err(failed)?;
        self.intake.settle(call, Patience::Refuse).await.map_err(failed)
    }

    /// Keeps the answer and gives it; of two deliveries of one message at once both get the first answer.
    async fn answer(&self, message: Message, told: Told) -> Result<(Delivery, StatusCode, Value), Refused> {
        let now = self.clock.now();
        let expires_at = now.checked_add(REMEMBERED).map_err(|why| failed(Failure::internal(why)))?;
        let text = serde_json::to_string(&told).map_err(|why| failed(Failure::internal(why)))?;
        let kept = hooks::keep_answer(&self.db, message.clone(), text, now, expires_at).await.map_err(failed)?;
        if !kept && let Some(before) = self.repeated(&message).await? {
            return Ok(before);
        }
        let answer = serde_json::to_value(&told).map_err(|why| failed(Failure::internal(why)))?;
        Ok((Delivery::Taken, StatusCode::ACCEPTED, answer))
    }
}

/// The secret by which a message is signed, if it is one of the hook's.
fn authenticate<'c>(
    called: Option<&'c Called>,
    signed: &Signed<'_>,
    body: &[u8],
    now: jiff::Timestamp,
) -> Option<&'c Secret> {
    let by = |secret: &Secret| is_signed(secret, signed.id, signed.timestamp, body, signed.signatures);
    let Some(called) = called else {
        by(&NOBODYS);
        return None;
    };
    let former = called.former.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
    std::iter::once(&called.secret).chain(former).find(|secret| by(secret))
}

/// Counts what became of events. If there was no room for one of them, the sender is told to come back, and what was taken is
/// then a duplicate.
fn told(answer: Answer, rows: Option<Tally>) -> Result<Told, Refused> {
    let mut told = Told {
        accepted: answer.accepted,
        duplicate: answer.duplicates,
        rows,
        consistency_token: answer.consistency_token,
        ..Told::default()
    };
    for event in answer.events {
        match event.outcome {
            Outcome::Quarantined => told.quarantined += 1,
            Outcome::Refused => told.refused += 1,
            Outcome::Accepted | Outcome::Duplicate | Outcome::Unspecified => continue,
        }
        if let Some(why) = event.why {
            if why.is_transient() {
                return Err(failed(why));
            }
            *told.reasons.entry(why.reason_text()).or_default() += 1;
        }
    }
    Ok(told)
}

fn failed(failure: Failure) -> Refused {
    (Delivery::of(&failure), failure)
}
