//! Which intervals of a deal deserve attention at an instant: a pure function of the intervals, targets, calendar, and now.
//!
//! A flag is the interval during which something was over its target. With bounded times it stands only while it
//! certainly does: from the latest possible start and until the earliest possible end.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Calendars, Schedule},
    definition::{Clock, Definition, Target, Targets},
    evidence::{Absence, Evidence},
    interval::{EventRef, Interval, IntervalKind},
};

/// What a flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    StageOverTarget,
    HandoffIdle,
    DeliveredNotFunded,
    VehicleNotReady,
    InStoreOverTarget,
    TradeFrontlineLate,
    /// A source has fallen silent: what it reports may have happened.
    FeedSilent,
}

impl FlagKind {
    /// The stable name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StageOverTarget => "stage_over_target",
            Self::HandoffIdle => "handoff_idle",
            Self::DeliveredNotFunded => "delivered_not_funded",
            Self::VehicleNotReady => "vehicle_not_ready",
            Self::InStoreOverTarget => "in_store_over_target",
            Self::TradeFrontlineLate => "trade_frontline_late",
            Self::FeedSilent => "feed_silent",
        }
    }
}

/// How urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Yellow,
    Red,
}

/// One fact behind a flag; instants in RFC 3339, durations in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// The interval during which something was over its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagInterval {
    /// Unique within the deal: the flag's kind and the interval's ID.
    pub id: String,
    pub kind: FlagKind,
    /// ID of the interval within the deal.
    pub interval: String,
    /// Founding events of the interval: a flag of the same kind and measure whose set shares one is the same flag.
    pub founded_by: Vec<EventRef>,
    /// Measure of the definition, such as `handoff.fi`.
    pub measure: String,
    /// Department that it waits for.
    pub department: String,
    /// The highest reached by now, or before it closed.
    pub severity: Severity,
    /// When yellow was crossed; never after now.
    pub opened_at: Timestamp,
    /// When red was crossed, if it was by now.
    pub red_at: Option<Timestamp>,
    /// When it ended, if it has by now.
    pub closed_at: Option<Timestamp>,
    /// What it rests on. Does not change while the flag stands and the deal stays as it is.
    pub facts: Vec<Fact>,
    pub targets_version: String,
    pub definition_version: String,
    pub calendar_version: u64,
}

/// The flags of a deal at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// By opening time, then id. Closed ones too.
    pub intervals: Vec<FlagInterval>,
    /// The next instant after now at which this answer changes though the deal does not.
    pub next_change: Option<Timestamp>,
    /// Something lasts that no time alone flags, because it is never open for long enough: another calendar may.
    pub undecided: bool,
    /// Something has crossed its target unless its end was not reported yet: judge again when a source is heard from.
    pub unconfirmed: bool,
}

impl Flags {
    /// Those that stand now.
    pub fn standing(&self) -> impl Iterator<Item = &FlagInterval> {
        self.intervals.iter().filter(|interval| interval.closed_at.is_none())
    }
}

/// The flags of a deal with these intervals, as known now. An open interval has crossed its target only if the evidence
/// shows that it was still open then.
pub fn flags(
    intervals: &[Interval],
    def: &Definition,
    targets: &Targets,
    schedule: &Schedule,
    evidence: &Evidence,
    now: Timestamp,
) -> Flags {
    let mut flags = Flags::default();
    for target in &targets.targets {
        let Some((kind, name)) = IntervalKind::parse_measure(&target.measure) else { continue };
        for interval in intervals.iter().filter(|interval| interval.is(kind, name) && interval.end_observed) {
            let instance = interval.instance.as_deref();
            let applies = target.instance.is_none() || target.instance.as_deref() == instance;
            if !applies || targets.targets.iter().any(|other| other.is_closer_than(target, instance)) {
                continue;
            }
            let calendars = hours_of(interval, schedule);
            let absence = match (&interval.end, &interval.cut, def.interval(kind, name)) {
                (None, None, Some(of)) => evidence.of_absence(&of.end, now),
                _ => Absence::Certain,
            };
            let Some(crossings) = Crossings::of(interval, target, calendars) else {
                flags.undecided |= interval.end.is_none() && interval.cut.is_none();
                continue;
            };
            let changes = [Some(crossings.yellow), crossings.red, crossings.end];
            for change in changes.into_iter().flatten().filter(|change| *change > now) {
                flags.next_change = Some(flags.next_change.map_or(change, |next| next.min(change)));
            }
            let confirmed = |at: &Timestamp| *at <= now && absence.shown_at(*at);
            let crossed = crossings.red.into_iter().chain([crossings.yellow]).filter(|at| *at <= now);
            flags.unconfirmed |= crossed.into_iter().any(|at| !absence.shown_at(at));
            if confirmed(&crossings.yellow) {
                let crossings = Crossings { red: crossings.red.filter(confirmed), ..crossings };
                flags.intervals.push(FlagInterval {
                    targets_version: targets.version.clone(),
                    definition_version: def.version().to_owned(),
                    calendar_version: calendars.version_at(interval.start.latest),
                    ..crossings.flag(interval, target, now)
                });
            }
        }
    }
    flags.intervals.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
    flags
}

/// The hours by which an interval is measured: its department's. Several departments hold a cycle, so the rooftop's.
pub fn hours_of<'s>(interval: &Interval, schedule: &'s Schedule) -> &'s Calendars {
    match interval.kind {
        IntervalKind::Stage | IntervalKind::Handoff => schedule.of(&interval.owner_department),
        IntervalKind::Cycle => schedule.rooftop(),
    }
}

/// Measure of flags about a silent source.
pub const FEED_SILENT: &str = "feed.silent";

/// The flags of a rooftop's floor as known now: one for each source that is silent, or was until it returned. Each says
/// since when and which steps are hidden, because no other source that is heard from reports them.
pub fn silent_feeds(evidence: &Evidence, now: Timestamp) -> Flags {
    let mut flags = Flags::default();
    for (source, heard) in &evidence.feeds {
        let current = heard.expected.and(heard.last_arrival).zip(heard.stale_at).map(|(at, stale)| (at, stale, None));
        let last = heard.last_silence.map(|of| (of.heard_at, of.stale_at, Some(of.ended_at)));
        for (heard_at, stale_at, ended_at) in last.into_iter().chain(current) {
            if stale_at > now {
                flags.next_change = Some(flags.next_change.map_or(stale_at, |next| next.min(stale_at)));
                continue;
            }
            let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
            let mut facts = vec![fact("source", source.clone()), fact("last_heard_at", heard_at.to_string())];
            if let Some(expected) = heard.expected {
                facts.push(fact("expected_seconds", expected.as_secs().to_string()));
            }
            facts.push(fact("hides", evidence.hidden_by(source, heard, now).join(",")));
            let founding = EventRef { source: source.clone(), id: heard_at.to_string() };
            let interval = format!("{FEED_SILENT}.{}", digest(&founding));
            flags.intervals.push(FlagInterval {
                id: format!("{}/{interval}", FlagKind::FeedSilent.as_str()),
                kind: FlagKind::FeedSilent,
                interval,
                founded_by: vec![founding],
                measure: FEED_SILENT.to_owned(),
                department: String::new(),
                severity: Severity::Yellow,
                opened_at: stale_at,
                red_at: None,
                closed_at: ended_at,
                facts,
                targets_version: String::new(),
                definition_version: String::new(),
                calendar_version: 0,
            });
        }
    }
    flags.intervals.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
    flags
}

fn digest(event: &EventRef) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in [&event.source, &event.id] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// When an interval crosses its target, if it certainly does before it ends.
struct Crossings {
    yellow: Timestamp,
    red: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Crossings {
    fn of(interval: &Interval, target: &Target, calendars: &Calendars) -> Option<Self> {
        let end = interval.end.iter().chain(&interval.cut).map(|end| end.earliest).min();
        let cross = |seconds: u64| {
            let duration = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
            let at = match target.clock {
                Clock::Wall => interval.start.latest.checked_add(duration).ok(),
                Clock::Open => calendars.add_open(interval.start.latest, duration),
            };
            at.filter(|at| end.is_none_or(|end| *at < end))
        };
        let yellow = cross(target.yellow_seconds)?;
        Some(Self { yellow, red: target.red_seconds.and_then(cross), end })
    }

    /// The flag as known now; the caller, who knows them, sets the versions.
    fn flag(&self, interval: &Interval, target: &Target, now: Timestamp) -> FlagInterval {
        let red_at = self.red.filter(|red| *red <= now);
        FlagInterval {
            id: format!("{}/{}", target.flag.as_str(), interval.id),
            kind: target.flag,
            interval: interval.id.clone(),
            founded_by: interval.founded_by.clone(),
            measure: target.measure.clone(),
            department: interval.owner_department.clone(),
            severity: if red_at.is_some() { Severity::Red } else { Severity::Yellow },
            opened_at: self.yellow,
            red_at,
            closed_at: self.end.filter(|end| *end <= now),
            facts: self.facts(interval, target, now),
            targets_version: String::new(),
            definition_version: String::new(),
            calendar_version: 0,
        }
    }
}

impl Crossings {
    fn facts(&self, interval: &Interval, target: &Target, now: Timestamp) -> Vec<Fact> {
        let mut facts = facts(interval, target);
        // It certainly stood until the earliest end; if that is not known to be the end, say until when it may have.
        if let Some(end) = self.end.filter(|end| *end <= now)
            && let Some(latest) = interval.end.iter().chain(&interval.cut).map(|bound| bound.latest).min()
            && end < latest
        {
            facts.push(Fact { name: "ended_at_latest".to_owned(), value: latest.to_string() });
        }
        facts
    }
}

fn facts(interval: &Interval, target: &Target) -> Vec<Fact> {
    let fact = |name: &str, value: &dyn fmt::Display| Fact { name: name.to_owned(), value: value.to_string() };
    let clock = match target.clock {
        Clock::Wall => "wall",
        Clock::Open => "open",
    };
    let mut facts = vec![
        fact("started_at", &interval.start.latest),
        fact("round", &interval.round),
        fact("yellow_seconds", &target.yellow_seconds),
        fact("clock", &clock),
    ];
    if let Some(red) = target.red_seconds {
        facts.push(fact("red_seconds", &red));
    }
    if let Some(instance) = &interval.instance {
        facts.push(fact("instance", &instance));
    }
    if interval.start.earliest != interval.start.latest {
        facts.push(fact("started_at_earliest", &interval.start.earliest));
    }
    facts
}
