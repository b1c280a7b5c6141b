//! One JSON object a line. Members that are not wanted are passed over while they are read.
use std::{
    fmt,
    io::{self, BufRead as _, Read as _},
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{Broken, LONGEST_VALUE, Row, kept};

/// Longest line, bytes.
const LONGEST_LINE: usize = 1 << 20;

pub(super) struct Rows<R> {
    from: R,
    wanted: Vec<String>,
    line: Vec<u8>,
    number: u64,
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(from: R, wanted: Vec<String>) -> Self {
        Self { from, wanted, line: Vec::new(), number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        loop {
            self.line.clear();
            let limit = LONGEST_LINE as u64 + 1;
            let read = self.from.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            if read > LONGEST_LINE && self.line.last() != Some(&b'\n') {
                self.number += 1;
                self.skip_line()?;
                return Ok(Some(Err(self.broken("it is longer than a megabyte"))));
            }
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            self.number += 1;
            let mut reader = serde_json::Deserializer::from_slice(line);
            // The reader's own message would quote the line.
            let values = Wanted(&self.wanted).deserialize(&mut reader).and_then(|values| reader.end().map(|()| values));
            return Ok(Some(match values {
                Ok(Ok(values)) => Ok(Row { number: self.number, values }),
                Ok(Err(TooLong)) => Err(self.broken("a value is longer than 256 bytes")),
                Err(_) => Err(self.broken("it is not a JSON object")),
            }));
        }
    }

    fn broken(&self, why: &'static str) -> Broken {
        Broken { number: self.number, why: why.into() }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.from.fill_buf()?;
            let (read, ended) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.from.consume(read);
            if ended {
                return Ok(());
            }
        }
    }
}

struct TooLong;

struct Wanted<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Result<Vec<Option<String>>, TooLong>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Result<Vec<Option<String>>, TooLong>;

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
        Ok(if too_long { Err(TooLong) } else { Ok(values) })
    }
}
