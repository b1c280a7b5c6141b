//! The closed allow-list: which fields of an event's data may pass, each with its own grammar. Everything else is dropped
//! while the JSON is read, before there is a value that could be kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    dropped::Dropped,
    grammar::{CODE, EVENT_ID, Grammar, KEY, ROOFTOP, STAFF, VIN},
    scalar::{Name, Scalar},
};

/// Other systems' numbers of a deal, in the order in which [`Facts::keys`] holds them.
pub(crate) const KEYS: [&str; 7] = ["application", "dms_deal", "lead", "sale", "stock", "vin", "visit"];
/// What a type may need to say, in the order in which [`Facts::said`] holds them.
pub(crate) const SAID: [&str; 7] = ["kind", "lenders", "reason", "result", "round", "step", TO_ROOFTOP];
pub(crate) const TO_ROOFTOP: &str = "to_rooftop";
/// Kept although the directory does not know it: digits that may be a telephone's do not pass.
const OTHER_ROOFTOP: Grammar = ROOFTOP.digits(8);

/// Largest number that `round` and `lenders` may have: far below what a personal number needs.
const LARGEST_NUMBER: u64 = 9_999;

/// What passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) actor: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) trade: Option<String>,
    pub(crate) keys: [Option<String>; KEYS.len()],
    pub(crate) said: [Option<String>; SAID.len()],
    pub(crate) replaces: Option<String>,
    pub(crate) withdraws: Option<String>,
    /// Fields that name another event and could not be kept: without them the event would mean something else.
    pub(crate) broken_references: Vec<&'static str>,
    pub(crate) dropped: Dropped,
}

impl Facts {
    /// Reads the data of an event, which must be a JSON object.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, NotAnObject> {
        serde_json::from_slice(json).map_err(|_| NotAnObject)
    }
}

/// The data is no JSON object. What is wrong with it is not said, because that would repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnObject;

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FactsVisitor)
    }
}

struct FactsVisitor;

impl<'de> Visitor<'de> for FactsVisitor {
    type Value = Facts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts, A::Error> {
        let mut facts = Facts::default();
        while let Some(Name(name)) = map.next_key()? {
            if name == "keys" {
                let Keys { keys, dropped } = map.next_value()?;
                facts.keys = keys;
                for name in dropped {
                    facts.dropped.note("keys", &name);
                }
            } else if !is_allowed(&name) {
                map.next_value::<IgnoredAny>()?;
                facts.dropped.note("", &name);
            } else {
                let value: Scalar<'de> = map.next_value()?;
                facts.admit(&name, value);
            }
        }
        Ok(facts)
    }
}

fn is_allowed(name: &str) -> bool {
    matches!(name, "actor" | "role" | "trade" | "replaces" | "withdraws") || SAID.contains(&name)
}

impl Facts {
    fn admit(&mut self, name: &str, value: Scalar<'_>) {
        match name {
            "actor" => self.actor = self.fitting(name, value, STAFF),
            "role" => self.role = self.fitting(name, value, CODE),
            "trade" => self.trade = self.fitting(name, value, KEY),
            "replaces" => self.replaces = self.reference("data.replaces", value),
            "withdraws" => self.withdraws = self.reference("data.withdraws", value),
            _ => {
                let Some(place) = SAID.iter().position(|said| *said == name) else { return };
                self.said[place] = match name {
                    "round" | "lenders" => self.number(name, value),
                    TO_ROOFTOP => self.fitting(name, value, OTHER_ROOFTOP),
                    "kind" => self.fitting(name, value, CODE).filter(|kind| {
                        let known = matches!(kind.as_str(), "new" | "used");
                        if !known {
                            self.dropped.note("", name);
                        }
                        known
                    }),
                    _ => self.fitting(name, value, CODE),
                };
            }
        }
    }

    fn fitting(&mut self, name: &str, value: Scalar<'_>, grammar: Grammar) -> Option<String> {
        let fitting = value.fitting(grammar);
        if fitting.is_none() && !matches!(value, Scalar::Null) {
            self.dropped.note("", name);
        }
        fitting
    }

    fn reference(&mut self, field: &'static str, value: Scalar<'_>) -> Option<String> {
        let fitting = value.fitting(EVENT_ID);
        if fitting.is_none() && !matches!(value, Scalar::Null) {
            self.broken_references.push(field);
        }
        fitting
    }

    fn number(&mut self, name: &str, value: Scalar<'_>) -> Option<String> {
        let number = match &value {
            Scalar::Whole(number) => Some(*number),
            Scalar::Text(text) if text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
        .filter(|number| *number <= LARGEST_NUMBER);
        if number.is_none() && !matches!(value, Scalar::Null) {
            self.dropped.note("", name);
        }
        number.map(|number| number.to_string())
    }
}

/// The numbers under `keys`; anything but an object there counts as one dropped field.
#[derive(Default)]
struct Keys {
    keys: [Option<String>; KEYS.len()],
    dropped: Vec<String>,
}

/// More dropped names than are told need no keeping.
const MOST_DROPPED_KEYS: usize = 64;

impl Keys {
    fn drop_named(&mut self, name: &str) {
        if self.dropped.len() < MOST_DROPPED_KEYS {
            self.dropped.push(name.to_owned());
        }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut found = Keys::default();
        while let Some(Name(name)) = map.next_key()? {
            let Some(place) = KEYS.iter().position(|key| *key == name) else {
                map.next_value::<IgnoredAny>()?;
                found.drop_named(&name);
                continue;
            };
            let value: Scalar<'de> = map.next_value()?;
            found.keys[place] = match KEYS[place] {
                // The same car must have the same key, however a vendor writes it.
                "vin" => value.fitting(VIN).filter(|vin| vin.len() == 17).map(|vin| vin.to_ascii_uppercase()),
                _ => value.fitting(KEY),
            };
            if found.keys[place].is_none() && !matches!(value, Scalar::Null) {
                found.drop_named(&name);
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Keys::no_object())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Keys, E> {
        Ok(Keys::no_object())
    }
    fn visit_i64<E>(self, _: i64) -> Result<Keys, E> {
        Ok(Keys::no_object())
    }
    fn visit_u64<E>(self, _: u64) -> Result<Keys, E> {
        Ok(Keys::no_object())
    }
    fn visit_f64<E>(self, _: f64) -> Result<Keys, E> {
        Ok(Keys::no_object())
    }
    fn visit_str<E>(self, _: &str) -> Result<Keys, E> {
        Ok(Keys::no_object())
    }
    fn visit_unit<E>(self) -> Result<Keys, E> {
        Ok(Keys::default())
    }
}

impl Keys {
    fn no_object() -> Self {
        Self { dropped: vec![String::new()], ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
