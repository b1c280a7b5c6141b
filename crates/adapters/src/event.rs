//! What a row becomes.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Moment, Quality};

/// A canonical event, not yet checked by the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Derived from the row's identity and the type: the same row gives the same id, whenever it is read.
    pub id: String,
    pub source: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub rooftop: String,
    pub time: Moment,
    /// The instant within `time` that the source names, where it is known only within bounds.
    pub claimed: Option<Timestamp>,
    /// When the vendor's system showed it.
    pub observed_at: Option<Timestamp>,
    /// The source's own count of its events.
    pub sequence: Option<String>,
    pub facts: Facts,
}

/// The data of an event: codes and numbers, as the edge's allow-list knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub actor: Option<String>,
    pub role: Option<String>,
    pub trade: Option<String>,
    /// Ids of events of the same source.
    pub replaces: Option<String>,
    pub withdraws: Option<String>,
    pub keys: BTreeMap<String, String>,
    pub said: BTreeMap<String, String>,
}

impl Event {
    /// As a CloudEvent in JSON.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("specversion".to_owned(), "1.0".into());
        event.insert("id".to_owned(), self.id.clone().into());
        event.insert("source".to_owned(), self.source.clone().into());
        event.insert("type".to_owned(), self.event_type.clone().into());
        event.insert("rooftop".to_owned(), self.rooftop.clone().into());
        if let Some(subject) = &self.subject {
            event.insert("subject".to_owned(), subject.clone().into());
        }
        let Moment { earliest, latest, quality } = self.time;
        if quality == Quality::Exact {
            event.insert("time".to_owned(), earliest.to_string().into());
        } else {
            event.insert("earliest".to_owned(), earliest.to_string().into());
            event.insert("latest".to_owned(), latest.to_string().into());
            event.insert("timequality".to_owned(), quality.as_str().into());
            if let Some(claimed) = self.claimed {
                event.insert("time".to_owned(), claimed.to_string().into());
            }
        }
        if let Some(sequence) = &self.sequence {
            event.insert("sequence".to_owned(), sequence.clone().into());
        }
        if let Some(observed_at) = self.observed_at {
            event.insert("observedat".to_owned(), observed_at.to_string().into());
        }
        event.insert("data".to_owned(), self.facts.to_json());
        event
    }
}

impl Facts {
    /// As the data of a CloudEvent.
    pub fn to_json(&self) -> Value {
        let mut data: Map<String, Value> =
            self.said.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let named = [
            ("actor", &self.actor),
            ("role", &self.role),
            ("trade", &self.trade),
            ("replaces", &self.replaces),
            ("withdraws", &self.withdraws),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                data.insert(name.to_owned(), value.clone().into());
            }
        }
        if !self.keys.is_empty() {
            data.insert("keys".to_owned(), json!(self.keys));
        }
        data.into()
    }
}
