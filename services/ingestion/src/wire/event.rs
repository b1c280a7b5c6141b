//! The canonical event: what is stored, hashed and sent on.

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use prost::Message;
use throughline_proto::{
    event::v1::{Event, TimeBound, TimeQuality},
    time::{from_wire, to_wire},
};

use crate::domain::{
    event::Draft,
    facts::{Facts, KEYS, SAID},
    instant::{Bound, Quality, Times, When},
};

/// `throughline.log.v1.EntryBody.event`: field 1, length-delimited.
const EVENT_FIELD: u8 = 1 << 3 | 2;

/// An encoded `EntryBody` and, within it, the encoded event.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) body: Bytes,
    event_at: usize,
}

impl Encoded {
    /// The event alone: what its content is the hash of.
    pub(crate) fn event(&self) -> Bytes {
        self.body.slice(self.event_at..)
    }
}

/// A sound event whose time is bounded.
pub(crate) fn render(draft: Draft<Times>, bound: Bound) -> Event {
    let Times { occurred_at, observed_at, .. } = draft.times;
    event(draft, occurred_at, observed_at, Some(bound))
}

/// What is left of an event, for quarantine; a day stands in UTC until its rooftop is known.
pub(crate) fn render_rest(draft: Draft<Option<Times>>) -> Event {
    let times = draft.times;
    let bound = times.and_then(|times| times.when.bound(&jiff::tz::TimeZone::UTC));
    event(draft, times.and_then(|times| times.occurred_at), times.and_then(|times| times.observed_at), bound)
}

/// The event once more from how it rested in quarantine. The rooftop rests beside it.
pub(crate) fn parse_rest(event: Event, rooftop: String) -> Draft<Option<Times>> {
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_wire);
    let times = event.time.as_ref().and_then(|time| {
        let quality = match time.quality() {
            TimeQuality::Exact => Quality::Exact,
            TimeQuality::Bounded => Quality::Bounded,
            TimeQuality::DateOnly => Quality::DateOnly,
            TimeQuality::Unspecified => return None,
        };
        let bound = Bound { earliest: instant(&time.earliest)?, latest: instant(&time.latest)?, quality };
        let (occurred_at, observed_at) = (instant(&event.occurred_at), instant(&event.observed_at));
        Some(Times { occurred_at, observed_at, when: When::at_rest(bound) })
    });
    let Event { mut keys, mut data, .. } = event;
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    Draft {
        id: event.id,
        source: event.source,
        event_type: event.r#type,
        subject: event.subject,
        rooftop,
        sequence: event.source_sequence,
        facts: Facts {
            actor: text(event.actor),
            role: text(event.role),
            trade: text(event.trade),
            keys: KEYS.map(|name| keys.remove(name)),
            said: SAID.map(|name| data.remove(name)),
            replaces: text(event.replaces),
            withdraws: text(event.withdraws),
            ..Facts::default()
        },
        times,
    }
}

/// Encodes an event once, as the body of a log entry.
pub(crate) fn encode(event: &Event) -> Encoded {
    let length = event.encoded_len();
    let mut body = BytesMut::with_capacity(length + 1 + prost::length_delimiter_len(length));
    body.put_u8(EVENT_FIELD);
    // A growing buffer has room for everything, so neither can fail.
    let _ = prost::encode_length_delimiter(length, &mut body);
    let event_at = body.len();
    let _ = event.encode(&mut body);
    Encoded { body: body.freeze(), event_at }
}

fn event<T>(
    draft: Draft<T>,
    occurred_at: Option<Timestamp>,
    observed_at: Option<Timestamp>,
    bound: Option<Bound>,
) -> Event {
    let Draft { id, source, event_type, subject, sequence, facts, .. } = draft;
    let named = |names: &[&str], values: Vec<Option<String>>| {
        let named = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        named.collect()
    };
    Event {
        id,
        source,
        r#type: event_type,
        subject,
        occurred_at: occurred_at.map(to_wire),
        observed_at: observed_at.map(to_wire),
        time: bound.map(time_bound),
        actor: facts.actor.unwrap_or_default(),
        role: facts.role.unwrap_or_default(),
        trade: facts.trade.unwrap_or_default(),
        keys: named(&KEYS, facts.keys.into()),
        data: named(&SAID, facts.said.into()),
        replaces: facts.replaces.unwrap_or_default(),
        withdraws: facts.withdraws.unwrap_or_default(),
        source_sequence: sequence,
        decision: None,
    }
}

fn time_bound(bound: Bound) -> TimeBound {
    let quality = match bound.quality {
        Quality::Exact => TimeQuality::Exact,
        Quality::Bounded => TimeQuality::Bounded,
        Quality::DateOnly => TimeQuality::DateOnly,
    };
    TimeBound { earliest: Some(to_wire(bound.earliest)), latest: Some(to_wire(bound.latest)), quality: quality as i32 }
}

#[cfg(test)]
mod tests;
