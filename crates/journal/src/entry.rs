//! Entries as their owner appends them and as a follower receives them.
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_platform::trace;
use throughline_proto::{
    event::v1::Origin,
    log::v1::{EntryBody, StoredEntry, TraceContext, entry_body::Body},
    time,
};
use tracing::Span;

/// An entry that is about to be appended.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The rooftop's part, 0 to 255.
    pub part: u16,
    pub group: String,
    pub rooftop: String,
    /// What it is about within the rooftop: the unit that is parked when it cannot be processed.
    pub entity: String,
    pub origin: Origin,
    /// On whose behalf a portal's key acted; empty if unsaid.
    pub actor: String,
    /// Of the call or the entry that caused this one.
    pub trace: TraceContext,
    /// An encoded `EntryBody`.
    pub body: Bytes,
}

/// Where and when an entry was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Within the part, from 1, without gaps.
    pub position: u64,
    /// On the injected clock; within a part never earlier than the entries before, but for a clock step.
    pub recorded_at: Timestamp,
}

/// An entry as a follower receives it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub part: u16,
    /// Within the part, from 1, without gaps.
    pub position: u64,
    /// When the owner of the log recorded it (its injected clock). Within a part never earlier than the entries before, but
    /// for a clock step.
    pub recorded_at: Timestamp,
    pub group: String,
    pub rooftop: String,
    pub entity: String,
    pub origin: Origin,
    pub actor: String,
    pub trace: TraceContext,
    /// `None`: a kind of body that this build does not know; skip it.
    pub body: Option<Body>,
    /// A child of the span that caused the entry: enter it for the work, and give its context to what is appended
    /// because of the entry. Disabled unless the trace is sampled.
    pub span: Span,
    /// As it was stored: what is parked.
    pub(crate) raw: Bytes,
    /// The body or the time could not be decoded: never shown to a projection.
    pub(crate) broken: bool,
}

/// What is parked together: the entries of an entity, in which none may overtake a failed one, or its timer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityKey {
    pub group: String,
    pub rooftop: String,
    /// What it is within the rooftop. On the entry path the entity of the entries; a projection names its timers as it likes.
    pub entity: String,
}

impl Entry {
    /// An entry of a log of that name; its span is called after it.
    pub(crate) fn parse(log: &str, stored: StoredEntry) -> Self {
        let recorded_at = stored.recorded_at.as_ref().and_then(time::from_wire);
        let body = EntryBody::decode(stored.body.clone());
        let part = u16::try_from(stored.part).ok().filter(|part| *part < crate::PARTS);
        let trace = stored.trace.unwrap_or_default();
        Self {
            broken: body.is_err() || recorded_at.is_none() || part.is_none(),
            part: part.unwrap_or_default(),
            position: stored.position,
            recorded_at: recorded_at.unwrap_or(Timestamp::UNIX_EPOCH),
            group: stored.group,
            rooftop: stored.rooftop,
            entity: stored.entity,
            origin: Origin::try_from(stored.origin).unwrap_or(Origin::Unspecified),
            actor: stored.actor,
            span: trace::child_span(&trace, &format!("process {log}-log")),
            trace,
            body: body.ok().and_then(|body| body.body),
            raw: stored.body,
        }
    }

    /// The stored form, from which `parse` makes an equal entry.
    pub(crate) fn render(&self) -> StoredEntry {
        StoredEntry {
            part: u32::from(self.part),
            position: self.position,
            recorded_at: Some(time::to_wire(self.recorded_at)),
            group: self.group.clone(),
            rooftop: self.rooftop.clone(),
            entity: self.entity.clone(),
            origin: self.origin as i32,
            trace: Some(self.trace.clone()),
            actor: self.actor.clone(),
            body: self.raw.clone(),
        }
    }

    pub(crate) fn key(&self) -> EntityKey {
        EntityKey { group: self.group.clone(), rooftop: self.rooftop.clone(), entity: self.entity.clone() }
    }
}
