//! The edge's decoders, opened to the fuzz targets: what is taken of any bytes, up to what would be stored.
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{Timestamp, tz::TimeZone};
use prost::Message;
use throughline_platform::signature::{Secret, is_signed, sign};
use throughline_proto::{cloudevents::CloudEvent, event::v1::Event, log::v1::EntryBody};

use crate::{
    domain::{
        event::{Parsed, Sent, parse},
        personal::looks_personal,
        signed::{Signed, WINDOW},
    },
    http,
    wire::{
        cloud_event,
        event::{encode, parse_rest, render, render_rest},
        json::Entry,
    },
};

/// Takes bytes as a request of `POST /v1/events`: headers, one a line, an empty line, and the body.
pub fn request(bytes: &[u8]) {
    let (headers, body) = headers(bytes);
    let Ok((_, entries)) = http::entries(&headers, body) else { return };
    for entry in &entries {
        if let Entry::Event(event) = entry {
            take(&event.sent());
        }
    }
}

/// Takes bytes as a message to a hook, headers and body as above: what its headers say of it, and whether it is signed.
pub fn signed(bytes: &[u8]) {
    let (headers, body) = headers(bytes);
    let header = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok());
    let Ok(Signed { id, timestamp, signatures }) = Signed::read(header, now()) else { return };
    let seconds: i64 = timestamp.parse().unwrap_or_default();
    assert!((seconds - now().as_second()).abs() <= WINDOW.as_secs(), "{timestamp} is not of these minutes");
    let (ours, anothers) = (Secret::new(vec![7; 32]), Secret::new(vec![8; 32]));
    assert!(!is_signed(&ours, id, timestamp, body, signatures), "nobody knows the secret");
    let listed = format!("{} {signatures}", sign(&ours, id, seconds, body));
    // The header is signed as it was sent, zeros in front of it too.
    assert_eq!(is_signed(&ours, id, timestamp, body, &listed), timestamp == seconds.to_string());
    assert!(!is_signed(&anothers, id, timestamp, body, &listed), "a signature is one secret's");
}

/// Headers, one a line, up to an empty line or what is none; and the rest.
fn headers(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

/// Takes bytes as a CloudEvent in protobuf.
pub fn message(bytes: &[u8]) {
    if let Ok(event) = CloudEvent::decode(bytes) {
        take(&cloud_event::parse(&event));
    }
}

/// The instant at which all of it comes in.
fn now() -> Timestamp {
    Timestamp::from_second(1_788_000_000).unwrap_or_default()
}

fn take(sent: &Sent<'_>) {
    let mut parsed = parse(sent, now());
    assert_eq!(parsed, parse(sent, now()), "the same is read twice alike");
    let told = parsed.take_dropped().into_names();
    assert!(told.len() <= 20 && told.iter().all(|name| !looks_personal(name)), "{told:?}");
    let event = match parsed {
        Parsed::Sound(draft) => {
            let Some(bound) = draft.times.when.bound(&TimeZone::UTC) else { return };
            render(draft, bound)
        }
        Parsed::Spoiled(draft, why) => {
            assert!(!why.violations.is_empty(), "what is spoiled says why");
            let rooftop = draft.rooftop.clone();
            let event = render_rest(draft);
            assert_eq!(render_rest(parse_rest(event.clone(), rooftop)), event, "nothing is lost in quarantine");
            event
        }
    };
    for text in texts(&event) {
        assert!(text.is_ascii() && !looks_personal(text), "{text:?} would be kept");
    }
    let encoded = encode(&event);
    assert_eq!(Event::decode(encoded.event()).ok(), Some(event));
    assert!(EntryBody::decode(encoded.body).is_ok());
}

fn texts(event: &Event) -> impl Iterator<Item = &str> {
    let Event { id, source, r#type, subject, actor, role, trade, replaces, withdraws, .. } = event;
    [id, source, r#type, subject, actor, role, trade, replaces, withdraws]
        .into_iter()
        .chain(event.keys.values())
        .chain(event.data.values())
        .map(String::as_str)
}
