//! CloudEvents as protobuf: `io.cloudevents.v1.CloudEvent`.

use throughline_proto::{
    cloudevents::{
        CloudEvent,
        cloud_event::{Data, cloud_event_attribute_value::Attr},
    },
    time::from_wire,
};

use crate::domain::{
    event::{Attribute, Sent, SentData},
    instant::{SentTime, SentTimes},
    scalar::Scalar,
};

/// The event as sent, borrowed.
pub(crate) fn parse(event: &CloudEvent) -> Sent<'_> {
    let attribute = |name: &str| event.attributes.get(name).and_then(|value| value.attr.as_ref());
    let time = |name: &str| attribute(name).map(sent_time);
    let quality = attribute("timequality").map(scalar);
    Sent {
        id: required(&event.id),
        source: required(&event.source),
        event_type: required(&event.r#type),
        subject: attribute("subject").map(scalar),
        rooftop: attribute("rooftop").map(scalar),
        sequence: attribute("sequence").map(scalar),
        times: SentTimes {
            time: time("time"),
            earliest: time("earliest"),
            latest: time("latest"),
            observed_at: time("observedat"),
            quality: attribute("timequality").and_then(text),
        },
        quality_malformed: matches!(quality, Some(quality) if !matches!(quality, Scalar::Text(_))),
        data: match &event.data {
            None => SentData::Absent,
            Some(Data::TextData(json)) => SentData::Json(json.as_bytes().into()),
            Some(Data::BinaryData(json)) => SentData::Json(json.as_slice().into()),
            Some(Data::ProtoData(_)) => SentData::Unreadable,
        },
    }
}

/// Protobuf can't tell an empty text from none.
fn required(text: &str) -> Attribute<'_> {
    (!text.is_empty()).then_some(Scalar::Text(text.into()))
}

fn scalar(value: &Attr) -> Scalar<'_> {
    match value {
        Attr::CeString(text) | Attr::CeUri(text) | Attr::CeUriRef(text) => Scalar::Text(text.as_str().into()),
        Attr::CeInteger(number) => u64::try_from(*number).map_or(Scalar::Other, Scalar::Whole),
        Attr::CeBoolean(_) | Attr::CeBytes(_) | Attr::CeTimestamp(_) => Scalar::Other,
    }
}

fn text(value: &Attr) -> Option<&str> {
    match value {
        Attr::CeString(text) => Some(text),
        _ => None,
    }
}

fn sent_time(value: &Attr) -> SentTime<'_> {
    match value {
        Attr::CeString(text) => SentTime::Text(text),
        Attr::CeTimestamp(at) => from_wire(at).map_or(SentTime::Malformed, SentTime::Instant),
        _ => SentTime::Malformed,
    }
}
