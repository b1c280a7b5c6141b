//! CloudEvents as JSON: structured events, batches of them, and the answer.

use std::{borrow::Cow, fmt};

use base64::Engine;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::domain::{
    event::{Attribute, Sent, SentData},
    instant::{SentTime, SentTimes},
    scalar::Scalar,
};

/// A structured CloudEvent, borrowed from its text as far as it has no escapes. Attributes that nobody reads are skipped.
#[derive(Debug, Default)]
pub(crate) struct JsonEvent<'a> {
    id: Attribute<'a>,
    source: Attribute<'a>,
    event_type: Attribute<'a>,
    subject: Attribute<'a>,
    rooftop: Attribute<'a>,
    sequence: Attribute<'a>,
    time: Attribute<'a>,
    earliest: Attribute<'a>,
    latest: Attribute<'a>,
    observed_at: Attribute<'a>,
    quality: Attribute<'a>,
    data: Option<Cow<'a, str>>,
    data_base64: Attribute<'a>,
}

/// What an entry of a batch is: an event, or something that is no JSON object.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    Event(Box<JsonEvent<'a>>),
    NoObject,
}

/// The text of one event.
pub(crate) fn split_one(body: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    Ok(vec![serde_json::from_slice(body)?])
}

/// The texts of a batch, so that what is wrong with one entry is that entry's alone.
pub(crate) fn split_batch(body: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_slice(body)
}

/// The texts of an event or an array of them, for senders that say no more than `application/json`.
pub(crate) fn split_any(body: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => split_batch(body),
        _ => split_one(body),
    }
}

/// Reads the text of an event.
pub(crate) fn parse(entry: &RawValue) -> Entry<'_> {
    serde_json::from_str(entry.get()).map_or(Entry::NoObject, |event| Entry::Event(Box::new(event)))
}

impl<'a> JsonEvent<'a> {
    /// An event whose attributes came as headers `ce-…` and whose data is the body (CloudEvents' binary mode).
    pub(crate) fn binary(headers: impl Iterator<Item = (&'a str, &'a str)>, body: &'a [u8]) -> Self {
        let mut event = Self::default();
        for (name, value) in headers {
            if let Some(place) = event.place(name) {
                *place = Some(Scalar::Text(value.into()));
            }
        }
        if !body.is_empty() {
            // What is no UTF-8 is no JSON either, and will be told as such.
            event.data = Some(String::from_utf8_lossy(body));
        }
        event
    }

    /// The event as sent.
    pub(crate) fn sent(&self) -> Sent<'_> {
        Sent {
            id: self.id.clone(),
            source: self.source.clone(),
            event_type: self.event_type.clone(),
            subject: self.subject.clone(),
            rooftop: self.rooftop.clone(),
            sequence: self.sequence.clone(),
            times: SentTimes {
                time: sent_time(&self.time),
                earliest: sent_time(&self.earliest),
                latest: sent_time(&self.latest),
                observed_at: sent_time(&self.observed_at),
                quality: match &self.quality {
                    Some(Scalar::Text(quality)) => Some(quality),
                    _ => None,
                },
            },
            quality_malformed: matches!(self.quality, Some(Scalar::Whole(_) | Scalar::Other)),
            data: self.sent_data(),
        }
    }

    /// The id for the answer, whatever it is.
    pub(crate) fn id(&self) -> &str {
        match &self.id {
            Some(Scalar::Text(id)) => id,
            _ => "",
        }
    }

    fn sent_data(&self) -> SentData<'_> {
        match (&self.data, &self.data_base64) {
            (Some(json), _) if json == "null" => SentData::Absent,
            (Some(json), _) => SentData::Json(json.as_bytes().into()),
            (None, None | Some(Scalar::Null)) => SentData::Absent,
            (None, Some(Scalar::Text(encoded))) => base64::prelude::BASE64_STANDARD
                .decode(encoded.as_bytes())
                .map_or(SentData::Unreadable, |json| SentData::Json(json.into())),
            (None, Some(_)) => SentData::Unreadable,
        }
    }

    fn place(&mut self, name: &str) -> Option<&mut Attribute<'a>> {
        Some(match name {
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.event_type,
            "subject" => &mut self.subject,
            "rooftop" => &mut self.rooftop,
            "sequence" => &mut self.sequence,
            "time" => &mut self.time,
            "earliest" => &mut self.earliest,
            "latest" => &mut self.latest,
            "observedat" => &mut self.observed_at,
            "timequality" => &mut self.quality,
            "data_base64" => &mut self.data_base64,
            _ => return None,
        })
    }
}

fn sent_time<'s>(attribute: &'s Attribute<'_>) -> Option<SentTime<'s>> {
    match attribute {
        None | Some(Scalar::Null) => None,
        Some(Scalar::Text(text)) => Some(SentTime::Text(text)),
        Some(Scalar::Whole(_) | Scalar::Other) => Some(SentTime::Malformed),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonEvent<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = JsonEvent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonEvent<'de>, A::Error> {
        let mut event = JsonEvent::default();
        while let Some(name) = map.next_key::<Scalar<'de>>()? {
            let Scalar::Text(name) = name else { continue };
            if name == "data" {
                event.data = Some(Cow::Borrowed(map.next_value::<&RawValue>()?.get()));
            } else if let Some(place) = event.place(&name) {
                *place = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{self, Parsed};

    fn read(entry: &Entry<'_>) -> Parsed {
        let Entry::Event(event) = entry else { panic!("no object") };
        event::parse(&event.sent(), "2026-09-07T12:00:00Z".parse().unwrap())
    }

    fn one(json: &str) -> Parsed {
        read(&parse(split_one(json.as_bytes()).unwrap()[0]))
    }

    const ONE: &str = r#"{"specversion":"1.0","id":"e-1","source":"//dms.example/RT001","type":"deal.opened","subject":"D1",
        "rooftop":"RT001","time":"2026-09-07T11:00:00Z","customer":{"name":"x"},"data":{"actor":"RT001-s0"}}"#;

    #[test]
    fn one_and_a_batch_read_alike() {
        let single = one(ONE);
        assert!(matches!(single, Parsed::Sound(_)), "{single:?}");
        let batch = format!("[{ONE}, 7, {ONE}]");
        let batch: Vec<Entry<'_>> = split_any(batch.as_bytes()).unwrap().into_iter().map(parse).collect();
        assert_eq!((read(&batch[0]), read(&batch[2])), (single.clone(), single));
        assert!(matches!(batch[1], Entry::NoObject));
        assert!(split_batch(ONE.as_bytes()).is_err() && split_any(b"[{]").is_err() && split_any(b"").is_err());
    }

    #[test]
    fn headers_and_a_body_read_alike() {
        let headers = [
            ("id", "e-1"),
            ("source", "//dms.example/RT001"),
            ("type", "deal.opened"),
            ("subject", "D1"),
            ("rooftop", "RT001"),
            ("time", "2026-09-07T11:00:00Z"),
        ];
        let event = JsonEvent::binary(headers.into_iter(), br#"{"actor":"RT001-s0"}"#);
        assert_eq!(read(&Entry::Event(Box::new(event))), one(ONE));
    }

    #[test]
    fn a_number_for_a_text_is_that_fields_fault() {
        let odd = ONE.replace(r#""2026-09-07T11:00:00Z""#, "17").replace(r#""deal.opened""#, "{}");
        let Parsed::Spoiled(_, why) = one(&odd) else { panic!("taken for sound") };
        let fields: Vec<_> = why.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["type", "time"]);
    }

    #[test]
    fn data_may_be_null_or_base64() {
        let null = ONE.replace(r#"{"actor":"RT001-s0"}"#, "null");
        assert!(matches!(one(&null), Parsed::Sound(_)));
        let encoded = ONE.replace(r#""data":{"actor":"RT001-s0"}"#, r#""data_base64":"eyJhY3RvciI6IlJUMDAxLXMwIn0=""#);
        assert_eq!(one(&encoded), one(ONE));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = split_any(&body).map(|entries| entries.into_iter().map(parse).count());
        }
    }
}
