//! Entries of the event log, sorted by what has to be done with them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prost::Message;
use throughline_journal::{ApplyError, Entry};
use throughline_process::{Event, Key, KeyKind, News, Origin, feed::is_backlog};
use throughline_proto::{event::v1 as pb, log::v1::entry_body::Body, tenant::v1::Rooftop};
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
    /// With when each was recorded first and last.
    pub types: BTreeMap<Name, BTreeMap<String, (Timestamp, Timestamp)>>,
    pub sources: BTreeMap<Name, BTreeMap<String, AsOf>>,
}

/// What a batch tells of a source.
#[derive(Clone, Debug)]
pub struct AsOf {
    pub recorded_at: Timestamp,
    pub event_at: Timestamp,
    /// What was heard of it, commit by commit.
    pub news: Vec<News>,
    /// Event types that it reported.
    pub types: BTreeSet<String>,
}

/// What a source says when it could not read its system.
const FAILED: &str = "feed.failed";

impl AsOf {
    fn hear(&mut self, recorded_at: Timestamp, event_at: Timestamp, news: News) {
        // Entries come in the order in which they were recorded, but for a clock step: the last one counts.
        self.recorded_at = recorded_at;
        self.event_at = self.event_at.max(event_at);
        match self.news.last_mut() {
            // Of one commit.
            Some(last) if last.at == news.at => *last = last.and(news),
            _ => self.news.push(news),
        }
    }
}

/// What an event says of its source. Clocks are compared by ingestion, which sees what is sent again as well.
fn news(event: &Event) -> News {
    let failed = event.event_type == FAILED;
    News {
        arrived: !failed && event.origin != Origin::Replay,
        live: !failed && event.origin == Origin::Live && !is_backlog(event.time.latest, event.recorded_at),
        failures: failed.into(),
        ..News::at(event.recorded_at)
    }
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

    fn event(&mut self, place: usize, entry: &Entry, wire: &pb::Event) -> Result<(), ApplyError> {
        let event = wire::event(wire.clone(), entry.recorded_at, entry.origin)
            .map_err(|error| poison(entry, error.to_string()))?;
        let types = self.types.entry(name(entry)).or_default();
        if let Some(decision) = &wire.decision {
            // People are no feed that falls silent, and what they decide is no step.
            self.decision(place, entry, wire, &event, decision);
            return Ok(());
        }
        let recorded = types.entry(event.event_type.clone()).or_insert((entry.recorded_at, entry.recorded_at));
        *recorded = (recorded.0.min(entry.recorded_at), recorded.1.max(entry.recorded_at));
        let (recorded_at, event_at) = (entry.recorded_at, event.time.latest);
        let of_rooftop = self.sources.entry(name(entry)).or_default();
        let none = AsOf { recorded_at, event_at, news: Vec::new(), types: BTreeSet::new() };
        let as_of = of_rooftop.entry(event.source.clone()).or_insert(none);
        as_of.hear(recorded_at, event_at, news(&event));
        if !as_of.types.contains(&event.event_type) {
            as_of.types.insert(event.event_type.clone());
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
    fn decision(&mut self, place: usize, entry: &Entry, wire: &pb::Event, event: &Event, decision: &pb::Decision) {
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
