//! One JSON object a line. Members that are not wanted are passed over while they are read.
use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{BoundedLines, Broken, LONGEST_VALUE, Row, TooLong, kept};

/// Longest line, bytes.
const LONGEST_LINE: usize = 1 << 20;

pub(super) struct Rows<R> {
    lines: BoundedLines<R>,
    wanted: Vec<String>,
    number: u64,
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(from: R, wanted: Vec<String>) -> Self {
        Self { lines: BoundedLines::new(from, LONGEST_LINE), wanted, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        self.number += 1;
        let number = self.number;
        let values = match line {
            Err(TooLong) => Err("it is longer than a megabyte"),
            Ok(line) => values(line, &self.wanted),
        };
        Ok(Some(values.map(|values| Row { number, values }).map_err(|why| Broken { number, why: why.into() })))
    }
}

/// The reader's own message would quote the line.
fn values(line: &[u8], wanted: &[String]) -> Result<Vec<Option<String>>, &'static str> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let values = Wanted(wanted).deserialize(&mut reader).and_then(|values| reader.end().map(|()| values));
    match values {
        Ok(Ok(values)) => Ok(values),
        Ok(Err(ValueTooLong)) => Err("a value is longer than 256 bytes"),
        Err(_) => Err("it is not a JSON object"),
    }
}

struct ValueTooLong;

struct Wanted<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Result<Vec<Option<String>>, ValueTooLong>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Result<Vec<Option<String>>, ValueTooLong>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        let mut too_long = false;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let Some(place) = self.0.iter().position(|wanted| *wanted == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match map.next_value::<Value>()? {
                Value::String(text) => kept(&text),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(truth) => Some(truth.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            };
            too_long |= value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE);
            values[place] = value;
        }
        Ok(if too_long { Err(ValueTooLong) } else { Ok(values) })
    }
}
