//! An event as sent, and what it comes to: a sound draft, or what is left of a spoiled one.

use std::borrow::Cow;

use jiff::Timestamp;
use throughline_platform::{Reason, Violation};

use super::{
    dropped::Dropped,
    facts::Facts,
    grammar::{EVENT_ID, Grammar, KEY, ROOFTOP, SOURCE, TYPE},
    instant::{Fault, SentTimes, Times},
    scalar::Scalar,
};

/// A CloudEvent whose attributes nobody has looked at yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent<'a> {
    pub(crate) id: Attribute<'a>,
    pub(crate) source: Attribute<'a>,
    pub(crate) event_type: Attribute<'a>,
    pub(crate) subject: Attribute<'a>,
    pub(crate) rooftop: Attribute<'a>,
    pub(crate) sequence: Attribute<'a>,
    pub(crate) times: SentTimes<'a>,
    /// `timequality` was sent as something else than a text.
    pub(crate) quality_malformed: bool,
    pub(crate) data: SentData<'a>,
}

/// An attribute as sent: absent, a text, a whole number, or of a type that it can't have.
pub(crate) type Attribute<'a> = Option<Scalar<'a>>;

/// The data as sent.
#[derive(Clone, Debug, Default)]
pub(crate) enum SentData<'a> {
    #[default]
    Absent,
    Json(Cow<'a, [u8]>),
    /// In a form that we don't read.
    Unreadable,
}

/// What passed of an event; texts that did not pass, or were not sent, are empty. `T` is [`Times`] in a sound one and
/// `Option<Times>` in what is left of a spoiled one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft<T> {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) event_type: String,
    pub(crate) subject: String,
    /// A rooftop's id or a vendor's code for it, as sent.
    pub(crate) rooftop: String,
    pub(crate) sequence: u64,
    pub(crate) facts: Facts,
    pub(crate) times: T,
}

/// Why an event can't be taken: the machine's half and the fields, never the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) reason: Reason,
    pub(crate) violations: Vec<Violation>,
}

/// What became of an event when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Sound(Draft<Times>),
    Spoiled(Draft<Option<Times>>, Why),
}

impl Parsed {
    /// Its source; empty if it did not pass.
    pub(crate) fn source(&self) -> &str {
        match self {
            Self::Sound(draft) => &draft.source,
            Self::Spoiled(draft, _) => &draft.source,
        }
    }

    /// Its rooftop as sent; empty if it did not pass.
    pub(crate) fn rooftop(&self) -> &str {
        match self {
            Self::Sound(draft) => &draft.rooftop,
            Self::Spoiled(draft, _) => &draft.rooftop,
        }
    }

    /// What was dropped, which is told and not kept.
    pub(crate) fn take_dropped(&mut self) -> Dropped {
        match self {
            Self::Sound(draft) => std::mem::take(&mut draft.facts.dropped),
            Self::Spoiled(draft, _) => std::mem::take(&mut draft.facts.dropped),
        }
    }
}

/// Reads an event. `now` is the injected clock's.
pub(crate) fn parse(sent: &Sent<'_>, now: Timestamp) -> Parsed {
    let mut faults = Faults::default();
    let id = faults.required("id", &sent.id, EVENT_ID);
    let source = faults.required("source", &sent.source, SOURCE);
    let event_type = faults.required("type", &sent.event_type, TYPE);
    let rooftop = faults.required("rooftop", &sent.rooftop, ROOFTOP);
    let subject = faults.optional("subject", &sent.subject, KEY);
    let sequence = faults.sequence(&sent.sequence);
    if sent.quality_malformed {
        faults.field("timequality", UNKNOWN_QUALITY);
    }
    let times = Times::parse(&sent.times, now, &mut faults.times);
    let facts = match &sent.data {
        SentData::Absent => Facts::default(),
        SentData::Json(json) => Facts::parse(json).unwrap_or_else(|_| {
            faults.field("data", "is no json object: send one, or no data");
            Facts::default()
        }),
        SentData::Unreadable => {
            faults.field("data", "is in a form that is not read: send a json object as text");
            Facts::default()
        }
    };
    for field in &facts.broken_references {
        faults.field(field, EVENT_ID.shape);
    }
    let draft = Draft { id, source, event_type, subject, rooftop, sequence, facts, times };
    draft.judged(faults)
}

impl Draft<Option<Times>> {
    /// Judges again what rested in quarantine: time has passed, and a rooftop may have come.
    pub(crate) fn reparse(self, now: Timestamp) -> Parsed {
        let mut faults = Faults::default();
        for (field, value) in
            [("id", &self.id), ("source", &self.source), ("type", &self.event_type), ("rooftop", &self.rooftop)]
        {
            if value.is_empty() {
                faults.field(field, "did not pass the edge: send the event again, corrected");
            }
        }
        match &self.times {
            None => faults.times.push(Fault::Malformed("time")),
            Some(times) => times.check_future(now, &mut faults.times),
        }
        self.judged(faults)
    }

    fn judged(self, faults: Faults) -> Parsed {
        match (faults.why(), self.times) {
            (None, Some(times)) => Parsed::Sound(self.with(times)),
            (None, None) => {
                let why = Why { reason: Reason::InvalidTime, violations: vec![Violation::new("time", "is missing")] };
                Parsed::Spoiled(self, why)
            }
            (Some(why), _) => Parsed::Spoiled(self, why),
        }
    }
}

impl<T> Draft<T> {
    /// The same with other times.
    pub(crate) fn with<U>(self, times: U) -> Draft<U> {
        let Self { id, source, event_type, subject, rooftop, sequence, facts, times: _ } = self;
        Draft { id, source, event_type, subject, rooftop, sequence, facts, times }
    }
}

const UNKNOWN_QUALITY: &str = "is none of exact, bounded, date";

/// All that is wrong with an event, at once.
#[derive(Default)]
struct Faults {
    fields: Vec<Violation>,
    times: Vec<Fault>,
}

impl Faults {
    fn field(&mut self, field: &str, description: &str) {
        self.fields.push(Violation::new(field, description));
    }

    fn required(&mut self, field: &'static str, sent: &Attribute<'_>, grammar: Grammar) -> String {
        match sent {
            None | Some(Scalar::Null) => {
                self.fields.push(Violation::new(field, format!("is missing: give {}", grammar.shape)));
                String::new()
            }
            Some(_) => self.optional(field, sent, grammar),
        }
    }

    fn optional(&mut self, field: &'static str, sent: &Attribute<'_>, grammar: Grammar) -> String {
        let fitting = match sent {
            None | Some(Scalar::Null) => return String::new(),
            // An empty subject is how some vendors write none.
            Some(Scalar::Text(text)) if text.is_empty() && field == "subject" => return String::new(),
            Some(sent) => sent.fitting(grammar),
        };
        fitting.unwrap_or_else(|| {
            self.fields.push(Violation::new(field, format!("is not {}, or looks like personal data", grammar.shape)));
            String::new()
        })
    }

    fn sequence(&mut self, sent: &Attribute<'_>) -> u64 {
        let number = match sent {
            None | Some(Scalar::Null) => Some(0),
            Some(Scalar::Whole(number)) => Some(*number),
            Some(Scalar::Text(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Some(_) => None,
        };
        number.unwrap_or_else(|| {
            self.field("sequence", "is no whole number of 64 bits");
            0
        })
    }

    fn why(self) -> Option<Why> {
        let mut violations = self.fields;
        // A malformed field is mended at the vendor's; a time in the future may be right later, so it counts least.
        let mut reason = if violations.is_empty() { Reason::TimeInFuture } else { Reason::InvalidField };
        for fault in self.times {
            let (field, description) = match fault {
                Fault::Missing(field) => (field, "is missing: give an instant of rfc 3339"),
                Fault::Malformed(field) => (field, "is no instant of rfc 3339 with an offset"),
                Fault::UnknownQuality => ("timequality", UNKNOWN_QUALITY),
                Fault::Reversed => ("latest", "is out of order: earliest, time, latest (all equal if exact)"),
                Fault::TooOld(field) => (field, "lies before 1990"),
                Fault::InFuture(field) => (field, "lies more than 15 minutes ahead of our clock"),
            };
            if !matches!(fault, Fault::InFuture(_)) && reason == Reason::TimeInFuture {
                reason = Reason::InvalidTime;
            }
            violations.push(Violation::new(field, description));
        }
        (!violations.is_empty()).then_some(Why { reason, violations })
    }
}

#[cfg(test)]
mod tests;
