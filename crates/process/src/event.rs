//! What happened, as the fold takes it in: an accepted event and how well its time is known.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The source of what people decide: no vendor may write it.
pub const PEOPLE: &str = "//throughline/people";

/// How well the time of something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// An instant: earliest equals latest.
    Exact,
    /// Between two instants, such as two polls of a flag.
    Bounded,
    /// A local calendar day.
    DateOnly,
}

/// When something happened: an honest bound beats an instant that somebody made up. Both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    pub earliest: Timestamp,
    pub latest: Timestamp,
    pub quality: Quality,
}

/// The time of an event is a bound like any other.
pub type EventTime = Bound;

impl Bound {
    pub fn exact(at: Timestamp) -> Self {
        Self { earliest: at, latest: at, quality: Quality::Exact }
    }

    /// A bound between two instants, in either order; exact if they are the same.
    pub fn between(a: Timestamp, b: Timestamp) -> Self {
        let quality = if a == b { Quality::Exact } else { Quality::Bounded };
        Self { earliest: a.min(b), latest: a.max(b), quality }
    }

    /// Puts the ends in order, whatever a caller made of them.
    pub(crate) fn ordered(self) -> Self {
        Self { earliest: self.earliest.min(self.latest), latest: self.earliest.max(self.latest), quality: self.quality }
    }

    pub(crate) fn width(&self) -> SignedDuration {
        self.latest.duration_since(self.earliest)
    }

    /// The shortest and the longest time that can lie between this and `end`; never negative.
    pub fn duration_until(&self, end: &Bound) -> (SignedDuration, SignedDuration) {
        let least = end.earliest.duration_since(self.latest).max(SignedDuration::ZERO);
        let most = end.latest.duration_since(self.earliest).max(SignedDuration::ZERO);
        (least, most)
    }
}

/// How an event came in. No part of a deal's content: the fold never reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Live,
    Backfill,
    Replay,
}

/// One accepted event of a deal.
///
/// Identity is (`source`, `id`). The fold reads neither `occurred_at`, `observed_at`, `recorded_at` nor `origin`:
/// `time` holds what they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub source: String,
    pub event_type: String,
    /// The deal's key in that source.
    pub subject: Option<String>,
    /// As claimed by the source.
    pub occurred_at: Option<Timestamp>,
    /// When the vendor's system showed it.
    pub observed_at: Option<Timestamp>,
    /// When we recorded it.
    pub recorded_at: Timestamp,
    pub time: EventTime,
    pub source_sequence: Option<u64>,
    /// Staff id, never a name.
    pub actor: Option<String>,
    pub role: Option<String>,
    /// The trade's key in that source.
    pub trade: Option<String>,
    /// Other systems' numbers of the same deal: `visit`, `dms_deal`, `application`, `stock`, `vin`.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// The allow-listed facts of the type: `result`, `reason`, `step`, `round`, `lenders`, `kind`, `to_rooftop`.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// Id of another event of the same source that this one stands in for.
    pub replaces: Option<String>,
    /// Id of another event of the same source that never happened.
    pub withdraws: Option<String>,
    #[serde(default)]
    pub origin: Origin,
}

impl Event {
    pub(crate) fn fact(&self, name: &str) -> Option<&str> {
        match name {
            "trade" => self.trade.as_deref(),
            _ => self.data.get(name).map(String::as_str),
        }
    }
}
