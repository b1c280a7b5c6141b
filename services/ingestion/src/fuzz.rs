//! The edge's decoders, opened to the fuzz targets: what is taken of any bytes, up to what would be stored.
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{Timestamp, tz::TimeZone};
use prost::Message;
use throughline_proto::{cloudevents::CloudEvent, event::v1::Event, log::v1::EntryBody};

use crate::{
    domain::{
        event::{Parsed, Sent, parse},
        personal::looks_personal,
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
    let Ok((_, entries)) = http::entries(&headers, rest) else { return };
    for entry in &entries {
        if let Entry::Event(event) = entry {
            take(&event.sent());
        }
    }
}

/// Takes bytes as a CloudEvent in protobuf.
pub fn message(bytes: &[u8]) {
    if let Ok(event) = CloudEvent::decode(bytes) {
        take(&cloud_event::parse(&event));
    }
}

fn take(sent: &Sent<'_>) {
    let now = Timestamp::from_second(1_788_000_000).unwrap_or_default();
    let mut parsed = parse(sent, now);
    assert_eq!(parsed, parse(sent, now), "the same is read twice alike");
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
