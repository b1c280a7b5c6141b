//! Entries of the event log, sorted by what has to be done with them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prost::Message;
use throughline_journal::{ApplyError, Entry};
use throughline_process::{self as process, Key, KeyKind};
use throughline_proto::{
    event::v1::{Decision, Event},
    log::v1::entry_body::Body,
    tenant::v1::Rooftop,
};
use uuid::Uuid;

use crate::{
    domain::{
        capacity::Input,
        id::{DealId, event_id},
        mention,
        partition::Mention,
    },
    wire,
};

/// (group, rooftop)
pub type Name = (String, String);

/// An event of a deal.
#[derive(Debug)]
pub struct Arrival {
    /// Its place in the batch.
    pub place: usize,
    /// The keys by which it links, never none, the one first under which it is kept, and what stands beside that.
    pub keys: Vec<Key>,
    pub input: Input,
    /// Encoded, to be kept.
    pub body: Vec<u8>,
}

impl Arrival {
    pub fn mention(&self) -> Mention {
        Mention { event: self.input.id, keys: self.keys.clone() }
    }
}

/// What a batch brings.
#[derive(Debug, Default)]
pub struct Intake {
    pub deals: BTreeMap<Name, Vec<Arrival>>,
    /// Places of what is passed on as it came: events of no deal and news of rooftops.
    pub forwarded: Vec<usize>,
    /// The last news of each rooftop, with its place.
    pub directory: BTreeMap<Name, (usize, Rooftop)>,
    /// With when each was recorded first.
    pub types: BTreeMap<Name, BTreeMap<String, Timestamp>>,
    pub sources: BTreeMap<Name, BTreeMap<String, AsOf>>,
}

/// How fresh a source is.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    pub recorded_at: Timestamp,
    pub event_at: Timestamp,
}

impl Intake {
    pub fn read(entries: &[Entry]) -> Result<Self, ApplyError> {
        let mut intake = Self::default();
        for (place, entry) in entries.iter().enumerate() {
            match &entry.body {
                Some(Body::Event(event)) => intake.event(place, entry, event)?,
                Some(Body::Rooftop(rooftop)) => {
                    intake.forwarded.push(place);
                    intake.directory.insert(name(entry), (place, rooftop.clone()));
                }
                // Erased or not for us.
                _ => {}
            }
        }
        Ok(intake)
    }

    fn event(&mut self, place: usize, entry: &Entry, wire: &Event) -> Result<(), ApplyError> {
        let event = wire::event(wire.clone(), entry.recorded_at, entry.origin)
            .map_err(|error| poison(entry, error.to_string()))?;
        let types = self.types.entry(name(entry)).or_default();
        types.entry(event.event_type.clone()).or_insert(entry.recorded_at);
        let as_of = AsOf { recorded_at: entry.recorded_at, event_at: event.time.latest };
        self.sources
            .entry(name(entry))
            .or_default()
            .entry(event.source.clone())
            .and_modify(|known| {
                known.recorded_at = known.recorded_at.max(as_of.recorded_at);
                known.event_at = known.event_at.max(as_of.event_at);
            })
            .or_insert(as_of);

        if let Some(decision) = &wire.decision {
            self.decision(place, entry, wire, &event, decision);
            return Ok(());
        }
        let mut keys = mention::numbers(&event);
        let first = keys.first().cloned();
        let anchor = first.and_then(|key| Some((DealId::of(&entry.group, &entry.rooftop, &keys[..1])?, key)));
        let Some((anchor, first)) = anchor else {
            self.forwarded.push(place);
            return Ok(());
        };
        keys.extend(mention::beside(&event, &first, anchor));
        let body = wire.encode_to_vec();
        let input = Input { anchor, id: event_id(&body), event };
        self.deals.entry(name(entry)).or_default().push(Arrival { place, keys, input, body });
        Ok(())
    }

    /// A person's decision is kept under each of the two numbers that it is about: they may come to be two deals.
    fn decision(&mut self, place: usize, entry: &Entry, wire: &Event, event: &process::Event, decision: &Decision) {
        let Some(beside) = mention::decision(&entry.group, &entry.rooftop, event, decision) else {
            self.forwarded.push(place);
            return;
        };
        for keys in beside {
            let Some(anchor) = DealId::of(&entry.group, &entry.rooftop, &keys[..1]) else { continue };
            let body = wire.encode_to_vec();
            let id = event_id(&[anchor.0.as_bytes(), body.as_slice()].concat());
            let input = Input { anchor, id, event: event.clone() };
            let arrival = Arrival { place, keys: keys.to_vec(), input, body };
            self.deals.entry(name(entry)).or_default().push(arrival);
        }
    }

    /// The ids of all linking keys that arrived, each once.
    pub fn key_ids(&self) -> Vec<Uuid> {
        let ids = self.deals.iter().flat_map(|((group, rooftop), arrivals)| {
            let keys = arrivals.iter().flat_map(|arrival| &arrival.keys);
            keys.filter_map(|key| DealId::of(group, rooftop, std::slice::from_ref(key))).map(|id| id.0)
        });
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The sales that arrived: (group, rooftop, sale).
    pub fn sales(&self) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut sales = BTreeSet::new();
        for ((group, rooftop), arrivals) in &self.deals {
            for key in arrivals.iter().flat_map(|arrival| &arrival.keys).filter(|key| key.kind == KeyKind::Sale) {
                sales.insert((group, rooftop, &key.value));
            }
        }
        let mut columns = (Vec::new(), Vec::new(), Vec::new());
        for (group, rooftop, sale) in sales {
            columns.0.push(group.clone());
            columns.1.push(rooftop.clone());
            columns.2.push(sale.clone());
        }
        columns
    }

    /// The rooftops that it is about.
    pub fn names(&self) -> BTreeSet<&Name> {
        self.types.keys().chain(self.directory.keys()).collect()
    }
}

pub fn poison(entry: &Entry, cause: String) -> ApplyError {
    ApplyError::Poison { entity: entry.entity.clone(), cause }
}

fn name(entry: &Entry) -> Name {
    (entry.group.clone(), entry.rooftop.clone())
}
