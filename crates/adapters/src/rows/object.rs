//! The wanted members of one JSON object. A column is a member's name, or a path below it such as `car/vin`; all else is passed
//! over while it is read.
use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{LONGEST_VALUE, kept};

/// Longest object that is read, bytes.
pub(super) const LONGEST: usize = 1 << 20;
pub(super) const TOO_LONG: &str = "it is longer than a megabyte";

/// Reads an object. The reader's own message would quote it.
pub(super) fn values(text: &[u8], wanted: &[String]) -> Result<Vec<Option<String>>, &'static str> {
    let mut found = Found { values: vec![None; wanted.len()], too_long: false };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Members { wanted, within: "", found: &mut found };
    match is_object(text).then(|| read.deserialize(&mut reader).and_then(|()| reader.end())) {
        Some(Ok(())) if found.too_long => Err("a value is longer than 256 bytes"),
        Some(Ok(())) => Ok(found.values),
        _ => Err("it is not a JSON object"),
    }
}

fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"{")
}

struct Found {
    values: Vec<Option<String>>,
    too_long: bool,
}

/// The members of an object that stands at `within`, such as `data/keys/`.
struct Members<'w, 'f> {
    wanted: &'w [String],
    within: &'w str,
    found: &'f mut Found,
}

impl Members<'_, '_> {
    /// What is wanted below a member, as the path to it.
    fn below(&self, name: &str) -> Option<String> {
        let inside =
            |wanted: &String| wanted.strip_prefix(self.within)?.strip_prefix(name)?.starts_with('/').then_some(());
        self.wanted.iter().find_map(inside).map(|()| format!("{}{name}/", self.within))
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let here = |wanted: &String| wanted.strip_prefix(self.within) == Some(&*name);
            if let Some(place) = self.wanted.iter().position(here) {
                map.next_value_seed(Scalar(place, self.found))?;
            } else if let Some(within) = self.below(&name) {
                map.next_value_seed(Members { wanted: self.wanted, within: &within, found: self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    // What is no object has none of the members.
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        passed_over(seq)
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A value that is a text, a number or a truth; what is none is taken for empty.
struct Scalar<'f>(usize, &'f mut Found);

impl Scalar<'_> {
    fn keep(self, value: Option<String>) {
        let Self(place, found) = self;
        found.too_long |= value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE);
        found.values[place] = value;
    }
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.keep(kept(text));
        Ok(())
    }
    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.keep(Some(truth.to_string()));
        Ok(())
    }
    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.keep(Some(number.to_string()));
        Ok(())
    }
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.keep(Some(number.to_string()));
        Ok(())
    }
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.keep(Some(serde_json::Value::from(number).to_string()));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.keep(None);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.keep(None);
        passed_over(seq)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.keep(None);
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

fn passed_over<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
