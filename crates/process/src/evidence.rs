//! Evidence: until when the sources of a rooftop would have reported a step, had it happened.
//!
//! Silence of a source is not idleness of a department. An interval counts as open only as far as a source that reports
//! its end has been heard from; past that, its state is unknown.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::feed::Judged;

/// A source that is expected at least this often proves a step's absence by its next arrival. One that sends more rarely
/// counts as heard for one expected interval after an arrival: to wait for its next would be to wait too long. Our
/// estimate.
pub const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// A source of a rooftop as intervals are judged by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// When something of it last came.
    pub last_arrival: Option<Timestamp>,
    /// How often to expect something, in open hours; none: not known, so that its silence says nothing.
    pub expected: Option<SignedDuration>,
    /// From when on it is stale if nothing comes.
    pub stale_at: Option<Timestamp>,
    /// Until when it would have reported what happened. Never moves back.
    pub known_until: Option<Timestamp>,
    /// Event types that it reports, with when it last did.
    pub reports: BTreeMap<String, Timestamp>,
    /// The last silence that ended: when it was noticed, and the arrival that ended it.
    pub last_silence: Option<Silence>,
}

/// A stretch during which a source was stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The last arrival before it.
    pub heard_at: Timestamp,
    /// When the source counted as stale.
    pub stale_at: Timestamp,
    /// The arrival that ended it.
    pub ended_at: Timestamp,
}

impl Heard {
    /// Takes in an arrival, and how the source is judged from then on.
    pub fn hear(&mut self, arrival: Timestamp, judged: &Judged) {
        if let (Some(heard_at), Some(stale_at)) = (self.last_arrival, self.stale_at)
            && stale_at <= arrival
        {
            self.last_silence = Some(Silence { heard_at, stale_at, ended_at: arrival });
        }
        let last = self.last_arrival.map_or(arrival, |last| last.max(arrival));
        let grace = judged.expected.filter(|expected| *expected > CONFIRMED_WITHIN).unwrap_or_default();
        let until = last.checked_add(grace).unwrap_or(last);
        self.last_arrival = Some(last);
        self.expected = judged.expected;
        self.stale_at = judged.stale_at;
        self.known_until = Some(self.known_until.map_or(until, |known| known.max(until)));
    }

    /// Whether it has been silent for too long.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.becomes_stale_at().is_some_and(|stale_at| stale_at <= now)
    }

    /// From when on it is silent for too long if nothing comes; none if its rhythm is not known.
    pub fn becomes_stale_at(&self) -> Option<Timestamp> {
        self.stale_at.filter(|_| self.expected.is_some())
    }
}

/// The sources of a rooftop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// By source.
    pub feeds: BTreeMap<String, Heard>,
}

/// What the sources that report some step say of one that they have not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It has not happened: nothing speaks against it. A source whose rhythm is not known counts as heard.
    Certain,
    /// It had not happened by then; a later instant is not confirmed yet.
    Until(Timestamp),
    /// Every source that reports it is stale: it had not happened by `until`, and was last heard of at `since`.
    Unknown { since: Timestamp, until: Timestamp },
}

impl Absence {
    /// Whether it is shown that the step had not happened by that instant.
    pub fn shown_at(self, at: Timestamp) -> bool {
        match self {
            Self::Certain => true,
            Self::Until(until) | Self::Unknown { until, .. } => at <= until,
        }
    }
}

impl Evidence {
    /// What is shown of steps of these types that no source has reported. Where no source is known to report one, nothing
    /// speaks against its absence: whether it is observed at all is another question.
    pub fn of_absence(&self, types: &[String], now: Timestamp) -> Absence {
        let reports = |heard: &&Heard| types.iter().any(|event_type| heard.reports.contains_key(event_type));
        let mut absence: Option<Absence> = None;
        for heard in self.feeds.values().filter(reports) {
            let (Some(last), Some(until), Some(_)) = (heard.last_arrival, heard.known_until, heard.expected) else {
                return Absence::Certain;
            };
            let next = match heard.is_stale(now) {
                true => Absence::Unknown { since: last, until },
                false => Absence::Until(until),
            };
            absence = Some(absence.map_or(next, |known| better(known, next)));
        }
        absence.unwrap_or(Absence::Certain)
    }

    /// Steps that a source reports and no other source that is heard from does, sorted: what its silence hides.
    pub fn hidden_by(&self, source: &str, heard: &Heard, now: Timestamp) -> Vec<String> {
        let reported_elsewhere = |step: &&String| {
            let mut others = self.feeds.iter().filter(|(other, _)| *other != source);
            others.any(|(_, other)| !other.is_stale(now) && other.reports.contains_key(*step))
        };
        heard.reports.keys().filter(|step| !reported_elsewhere(step)).cloned().collect()
    }
}

/// A source that is heard from says more than one that is stale; of two alike, the one heard from last.
fn better(a: Absence, b: Absence) -> Absence {
    match (a, b) {
        (Absence::Certain, _) | (_, Absence::Certain) => Absence::Certain,
        (Absence::Until(a), Absence::Until(b)) => Absence::Until(a.max(b)),
        (Absence::Until(a), Absence::Unknown { until, .. }) | (Absence::Unknown { until, .. }, Absence::Until(a)) => {
            Absence::Until(a.max(until))
        }
        (Absence::Unknown { since: a, until: x }, Absence::Unknown { since: b, until: y }) => {
            Absence::Unknown { since: a.max(b), until: x.max(y) }
        }
    }
}
