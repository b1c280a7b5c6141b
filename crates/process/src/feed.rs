//! How a source of a rooftop is: whether it has fallen silent, and how far its clock is from ours. What is remembered of it takes
//! constant space, and each piece of news constant work, whatever it sends.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Calendars;

/// What comes within so long of an arrival is the same arrival: vendors send in bursts. Our estimate.
pub const ONE_ARRIVAL: SignedDuration = SignedDuration::from_mins(1);
/// From so many arrivals on it is known how often to expect one. Our estimate.
pub const LEARNT_FROM: u64 = 20;
/// Nobody is called silent for less, whatever the rhythm. Our estimate.
pub const LEAST_SILENCE: SignedDuration = SignedDuration::from_mins(15);
/// So many expected intervals without an arrival are silence. Our estimate.
pub const MISSED: i32 = 4;
/// The mean of the gaps moves by this share of the newest one. Our estimate.
const WEIGHT: i64 = 20;
/// What happened longer ago than this when it comes is a backlog. Our estimate.
const BACKLOG: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Clocks are compared over the last one to two of these. Our estimate.
const WINDOW: SignedDuration = SignedDuration::from_hours(6);

/// What is remembered of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Feed {
    /// When something of it last came, new or sent again.
    pub last_arrival: Option<Timestamp>,
    /// Live arrivals, counted a minute apart.
    pub arrivals: u64,
    /// The last of those.
    counted_at: Option<Timestamp>,
    /// Exponential mean of the open time between them, microseconds.
    gap_us: i64,
    /// How often it said that it could not read its system.
    pub failures: u64,
    pub last_failure: Option<Timestamp>,
    /// Of claimed times of live events over our clock.
    claimed: Extreme,
    /// Of the times at which the vendor's system showed something over our clock.
    observed: Extreme,
}

/// What was heard of a source at one instant of our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    pub at: Timestamp,
    /// Something came, new or sent again, that was not imported or replayed as history and is no backlog.
    pub live: bool,
    /// Something came, in whatever way.
    pub arrived: bool,
    /// So often it said that it could not read its system, which is no arrival.
    pub failures: u64,
    /// The furthest that an exact claimed time of a live event lies ahead of `at`; negative behind it.
    pub claimed_ahead: Option<SignedDuration>,
    /// The furthest that a live event's time of observation does.
    pub observed_ahead: Option<SignedDuration>,
}

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Fresh,
    /// It has been silent for too long since then.
    Stale {
        since: Timestamp,
    },
    /// Nobody said how often to expect it, and too little has come to tell.
    Unknown,
}

/// By what the sources of a rooftop are judged: when it is open, and how often the directory says to expect each.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pub calendars: Calendars,
    pub declared: BTreeMap<String, SignedDuration>,
}

/// A judgement as it is kept: to be read it needs neither feed nor calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// How often something is to be expected.
    pub expected: Option<SignedDuration>,
    /// From when on it is stale if nothing comes.
    pub stale_at: Option<Timestamp>,
}

impl Watch {
    /// How a source stands until more is heard of it.
    pub fn judge(&self, source: &str, feed: &Feed) -> Judged {
        let declared = self.declared.get(source).copied();
        Judged { expected: feed.expected(declared), stale_at: feed.stale_at(declared, &self.calendars) }
    }
}

impl Judged {
    /// The expected interval in whole milliseconds.
    pub fn expected_ms(&self) -> Option<i64> {
        self.expected.and_then(|expected| i64::try_from(expected.as_millis()).ok())
    }
}

impl News {
    /// Nothing yet.
    pub fn at(at: Timestamp) -> Self {
        Self { at, live: false, arrived: false, failures: 0, claimed_ahead: None, observed_ahead: None }
    }

    /// What was heard at the same instant.
    pub fn and(self, other: Self) -> Self {
        Self {
            at: self.at,
            live: self.live || other.live,
            arrived: self.arrived || other.arrived,
            failures: self.failures.saturating_add(other.failures),
            claimed_ahead: self.claimed_ahead.max(other.claimed_ahead),
            observed_ahead: self.observed_ahead.max(other.observed_ahead),
        }
    }
}

impl Feed {
    /// Takes news in. Only live arrivals teach how often to expect one: history comes as fast as it is read.
    pub fn hear(&mut self, news: &News, calendars: &Calendars) {
        self.put_right(news.at);
        if news.failures > 0 {
            self.failures = self.failures.saturating_add(news.failures);
            self.last_failure = self.last_failure.max(Some(news.at));
        }
        if let Some(ahead) = news.claimed_ahead {
            self.claimed.note(news.at, ahead);
        }
        if let Some(ahead) = news.observed_ahead {
            self.observed.note(news.at, ahead);
        }
        if news.arrived {
            self.last_arrival = self.last_arrival.max(Some(news.at));
        }
        if news.arrived && news.live {
            self.count(news.at, calendars);
        }
    }

    /// Instants that lie behind the present were read off a clock that has stepped back since: what they stand for happened
    /// by now. Those of a commit or two that overtook each other stay.
    fn put_right(&mut self, now: Timestamp) {
        for at in [&mut self.last_arrival, &mut self.counted_at, &mut self.last_failure] {
            *at = at.map(|at| if at.duration_since(now) > ONE_ARRIVAL { now } else { at });
        }
        self.claimed.put_right(now);
        self.observed.put_right(now);
    }

    fn count(&mut self, at: Timestamp, calendars: &Calendars) {
        match self.counted_at {
            None => {}
            Some(before) if at.duration_since(before) < ONE_ARRIVAL => return,
            Some(before) => {
                let gap = i64::try_from(calendars.open_duration(before, at).as_micros()).unwrap_or(i64::MAX);
                let gaps = i64::try_from(self.arrivals).unwrap_or(i64::MAX);
                // The first ones count alike, so that the very first does not rule.
                self.gap_us += (gap - self.gap_us) / gaps.clamp(1, WEIGHT);
            }
        }
        self.counted_at = Some(at);
        self.arrivals = self.arrivals.saturating_add(1);
    }

    /// How often to expect an arrival, in open time: as declared, or as learnt once enough has come.
    pub fn expected(&self, declared: Option<SignedDuration>) -> Option<SignedDuration> {
        let learnt = (self.arrivals >= LEARNT_FROM).then(|| SignedDuration::from_micros(self.gap_us));
        declared.or(learnt)
    }

    /// The first instant at which it is stale if nothing comes before. None if that cannot be told, or is over a year away.
    pub fn stale_at(&self, declared: Option<SignedDuration>, calendars: &Calendars) -> Option<Timestamp> {
        let silence = self.expected(declared)?.saturating_mul(MISSED).max(LEAST_SILENCE);
        calendars.add_open(self.last_arrival?, silence.saturating_add(SignedDuration::from_micros(1)))
    }

    /// The source's clock is ahead of ours by at least this: it claimed that something happened which, by our clock, had yet to.
    /// None if it never did of late, which says nothing: a clock that is behind looks like one that reports late.
    pub fn clock_ahead(&self, now: Timestamp) -> Option<SignedDuration> {
        self.claimed.most(now).filter(|ahead| ahead.is_positive())
    }

    /// How far the source's clock is ahead of ours (negative: behind), as far as what it observed tells. A clock that is right
    /// reads as behind by the shortest time that anything took from there to here.
    pub fn clock_skew(&self, now: Timestamp) -> Option<SignedDuration> {
        self.observed.most(now)
    }
}

/// Whether what happened then and comes now is a backlog, such as the first file of a vendor with a year in it: it is read as fast
/// as it can be, which teaches nothing of how often to expect the source.
pub fn is_backlog(happened_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(happened_at) > BACKLOG
}

/// How a source is now.
pub fn health(feed: &Feed, declared: Option<SignedDuration>, calendars: &Calendars, now: Timestamp) -> Health {
    let known = feed.last_arrival.is_some() && feed.expected(declared).is_some();
    Health::at(known, feed.stale_at(declared, calendars), now)
}

impl Health {
    /// The same by what was judged when it was last heard of: whether it can be told, and from when on it is stale.
    pub fn at(known: bool, stale_at: Option<Timestamp>, now: Timestamp) -> Self {
        match stale_at {
            Some(since) if known && since <= now => Self::Stale { since },
            _ if known => Self::Fresh,
            _ => Self::Unknown,
        }
    }
}

/// The largest of what was noted in the last one to two windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Extreme {
    /// When the present window began.
    since: Option<Timestamp>,
    /// Largest of the present window, milliseconds.
    present: Option<i64>,
    /// And of the one before.
    former: Option<i64>,
}

impl Extreme {
    fn put_right(&mut self, now: Timestamp) {
        self.since = self.since.map(|since| if since.duration_since(now) > ONE_ARRIVAL { now } else { since });
    }

    fn note(&mut self, at: Timestamp, ahead: SignedDuration) {
        let ahead = i64::try_from(ahead.as_millis()).unwrap_or(if ahead.is_negative() { i64::MIN } else { i64::MAX });
        match self.since.map(|since| at.duration_since(since)) {
            Some(age) if age < WINDOW => {}
            age => {
                self.former = self.present.filter(|_| age.is_some_and(|age| age < WINDOW.saturating_mul(2)));
                (self.present, self.since) = (None, Some(at));
            }
        }
        self.present = self.present.max(Some(ahead));
    }

    fn most(&self, now: Timestamp) -> Option<SignedDuration> {
        let age = now.duration_since(self.since?);
        let present = self.present.filter(|_| age < WINDOW.saturating_mul(2));
        present.max(self.former.filter(|_| age < WINDOW)).map(SignedDuration::from_millis)
    }
}
