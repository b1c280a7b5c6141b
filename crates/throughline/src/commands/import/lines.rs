//! JSON lines, plain or gzip, as CloudEvents. A line that cannot be one is told apart, never an end.
use std::{collections::HashMap, io::BufRead, path::Path};

use anyhow::Context as _;
use serde_json::{Map, Value};
use throughline_adapters::{BoundedLines, TooLong};
use throughline_proto::cloudevents::{
    CloudEvent,
    cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
};

use super::files;

/// Longest line that is sent, bytes; the edge refuses larger messages anyway.
const MAX_LINE: usize = 1 << 20;

/// One line of a file.
pub enum Line {
    /// A CloudEvent, unchecked: the edge decides.
    Event(Box<CloudEvent>),
    /// Not a JSON object, or too long.
    Unreadable {
        /// From 1.
        number: u64,
        /// What is wrong, without the content.
        why: String,
    },
}

/// The lines of a file.
pub struct Lines(BoundedLines<Box<dyn BufRead + Send>>);

impl Lines {
    /// Opens a file; gzip is told by its first two bytes.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let reader = files::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self(BoundedLines::new(reader, MAX_LINE)))
    }

    /// The next line that is not empty.
    ///
    /// # Errors
    /// If the file ends within a compressed block or cannot be read on.
    pub fn next(&mut self) -> std::io::Result<Option<Line>> {
        let Some(line) = self.0.next()? else { return Ok(None) };
        let read = match line {
            Err(TooLong) => Err(format!("longer than {MAX_LINE} bytes")),
            // serde_json's message would quote the content.
            Ok(line) => serde_json::from_slice::<Map<String, Value>>(line)
                .map_err(|error| format!("not a JSON object (column {})", error.column())),
        };
        Ok(Some(match read {
            Ok(object) => Line::Event(Box::new(cloud_event(object))),
            Err(why) => Line::Unreadable { number: self.0.number(), why },
        }))
    }
}

/// The protobuf form of a CloudEvent's JSON form. Members of a wrong type become attributes that the edge refuses by name.
pub fn cloud_event(mut object: Map<String, Value>) -> CloudEvent {
    let mut text = |name: &str| match object.remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let mut event = CloudEvent {
        id: text("id"),
        source: text("source"),
        spec_version: text("specversion"),
        r#type: text("type"),
        attributes: HashMap::new(),
        data: None,
    };
    for (name, value) in object {
        let attribute = match value {
            Value::Null => continue,
            data if name == "data" => {
                event.data = Some(Data::TextData(data.to_string()));
                continue;
            }
            Value::String(text) => Attr::CeString(text),
            Value::Bool(flag) => Attr::CeBoolean(flag),
            Value::Number(number) => match number.as_i64().and_then(|number| i32::try_from(number).ok()) {
                Some(number) => Attr::CeInteger(number),
                None => Attr::CeString(number.to_string()),
            },
            other => Attr::CeString(other.to_string()),
        };
        event.attributes.insert(name, CloudEventAttributeValue { attr: Some(attribute) });
    }
    event
}

/// A string attribute of an event.
pub fn attribute<'a>(event: &'a CloudEvent, name: &str) -> Option<&'a str> {
    match event.attributes.get(name)?.attr.as_ref()? {
        Attr::CeString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    /// Ids of the events, or the number of a line that is none.
    fn read(content: &[u8]) -> std::io::Result<Vec<Result<String, u64>>> {
        let file = file(content);
        let mut lines = Lines::open(file.path()).unwrap();
        let mut read = Vec::new();
        while let Some(line) = lines.next()? {
            read.push(match line {
                Line::Event(event) => Ok(event.id),
                Line::Unreadable { number, .. } => Err(number),
            });
        }
        Ok(read)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_gzip_read_alike_and_a_bad_line_is_told_by_its_number() {
        let text = b"{\"id\":\"a\"}\n\n[1]\n{\"id\":\"b\"}";
        let expected = vec![Ok("a".to_owned()), Err(3), Ok("b".to_owned())];
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read(&gzip(text)).unwrap(), expected);
        let two_members = [gzip(b"{\"id\":\"a\"}\n"), gzip(b"{\"id\":\"b\"}\n")].concat();
        assert_eq!(read(&two_members).unwrap(), vec![Ok("a".to_owned()), Ok("b".to_owned())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_whole() {
        let mut text = vec![b'x'; 2 * MAX_LINE + 5];
        text.extend_from_slice(b"\n{\"id\":\"a\"}\n");
        assert_eq!(read(&text).unwrap(), vec![Err(1), Ok("a".to_owned())]);
    }

    #[test]
    fn a_truncated_gzip_is_an_error_and_no_end() {
        let whole = gzip(&b"{\"id\":\"a\"}\n".repeat(1_000));
        assert!(read(&whole[..whole.len() / 2]).is_err());
    }

    #[test]
    fn members_become_attributes_and_data_stays_json() {
        let object = serde_json::json!({"id": "1", "time": "t", "sequence": 7, "data": {"kind": "new"}, "gone": null});
        let event = cloud_event(object.as_object().unwrap().clone());
        assert_eq!(attribute(&event, "time"), Some("t"));
        assert_eq!(event.attributes["sequence"].attr, Some(Attr::CeInteger(7)));
        assert_eq!(event.data, Some(Data::TextData("{\"kind\":\"new\"}".to_owned())));
        assert!(!event.attributes.contains_key("gone"));
    }

    proptest! {
        #[test]
        fn every_line_that_is_not_empty_is_accounted_for(lines in prop::collection::vec("[^\n]{0,40}", 0..20)) {
            let text = lines.join("\n");
            let filled = text.split('\n').filter(|line| !line.as_bytes().trim_ascii().is_empty()).count();
            // Two bytes make it look like gzip; that is another file.
            prop_assume!(!text.as_bytes().starts_with(&[0x1f, 0x8b]));
            prop_assert_eq!(read(text.as_bytes()).unwrap().len(), filled);
        }
    }
}
