//! Which parts of a deal deserve attention at an instant: a pure function of the deal, the targets, the calendar and now.
//!
//! A flag is the interval during which something was over its target. With bounded times it stands only while it
//! certainly does: from the latest possible start and until the earliest possible end.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Calendars, Schedule},
    deal::{Deal, HandoffState},
    definition::{Clock, Definition, Target, Targets},
    event::Bound,
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
    /// Stable within the deal: kind and what it is about.
    pub id: String,
    pub kind: FlagKind,
    /// Id of the span, handoff or cycle within the deal.
    pub subject: String,
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
}

impl Flags {
    /// Those that stand now.
    pub fn standing(&self) -> impl Iterator<Item = &FlagInterval> {
        self.intervals.iter().filter(|interval| interval.closed_at.is_none())
    }
}

/// Something that has lasted, or lasts.
struct Lasting<'a> {
    id: &'a str,
    department: &'a str,
    /// By whose hours it is measured; none: by the rooftop's, for many hold it meanwhile.
    hours_of: Option<&'a str>,
    instance: Option<&'a str>,
    round: u32,
    start: &'a Bound,
    end: Option<&'a Bound>,
    /// The end of the deal, after which nobody waits for it.
    cut: Option<&'a Bound>,
}

/// The flags of a deal as known now.
pub fn flags(deal: &Deal, def: &Definition, targets: &Targets, schedule: &Schedule, now: Timestamp) -> Flags {
    let mut flags = Flags::default();
    for target in &targets.targets {
        for_each_lasting(deal, target, |lasting| {
            if targets.targets.iter().any(|other| other.is_closer_than(target, lasting.instance)) {
                return;
            }
            let calendars = lasting.hours_of.map_or(schedule.rooftop(), |department| schedule.of(department));
            let Some(crossings) = Crossings::of(&lasting, target, calendars) else {
                flags.undecided |= lasting.end.is_none() && lasting.cut.is_none();
                return;
            };
            let changes = [Some(crossings.yellow), crossings.red, crossings.end];
            for change in changes.into_iter().flatten().filter(|change| *change > now) {
                flags.next_change = Some(flags.next_change.map_or(change, |next| next.min(change)));
            }
            if crossings.yellow <= now {
                flags.intervals.push(FlagInterval {
                    targets_version: targets.version.clone(),
                    definition_version: def.version().to_owned(),
                    calendar_version: calendars.version_at(lasting.start.latest),
                    ..crossings.interval(&lasting, target, now)
                });
            }
        });
    }
    flags.intervals.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
    flags
}

/// What a target measures in a deal; nothing whose end no source reports, for its age says nothing.
fn for_each_lasting<'a>(deal: &'a Deal, target: &Target, mut each: impl FnMut(Lasting<'a>)) {
    let Some((what, id)) = target.measure.split_once('.') else { return };
    let mut wanted = |lasting: Lasting<'a>| {
        if target.instance.is_none() || target.instance.as_deref() == lasting.instance {
            each(lasting);
        }
    };
    match what {
        "stage" => {
            for span in deal.stages.iter().filter(|span| span.stage == id && span.leaving_observed) {
                wanted(Lasting {
                    id: &span.id,
                    department: &span.department,
                    hours_of: Some(&span.department),
                    instance: span.instance.as_deref(),
                    round: span.round,
                    start: &span.entered,
                    end: span.left.as_ref(),
                    cut: span.cut.as_ref(),
                });
            }
        }
        "handoff" => {
            let observed = |state| state != HandoffState::NotObserved;
            for handoff in deal.handoffs.iter().filter(|h| h.handoff == id && observed(h.state)) {
                wanted(Lasting {
                    id: &handoff.id,
                    department: &handoff.to,
                    hours_of: Some(&handoff.to),
                    instance: handoff.instance.as_deref(),
                    round: handoff.round,
                    start: &handoff.offered,
                    end: handoff.ended.as_ref(),
                    cut: handoff.cut.as_ref(),
                });
            }
        }
        "cycle" => {
            for cycle in deal.cycles.iter().filter(|cycle| cycle.cycle == id && cycle.end_observed) {
                wanted(Lasting {
                    id: &cycle.id,
                    department: &cycle.department,
                    hours_of: None,
                    instance: cycle.instance.as_deref(),
                    round: cycle.round,
                    start: &cycle.started,
                    end: cycle.ended.as_ref(),
                    cut: cycle.cut.as_ref(),
                });
            }
        }
        _ => {}
    }
}

/// When something crosses its target, if it certainly does before it ends.
struct Crossings {
    yellow: Timestamp,
    red: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Crossings {
    fn of(lasting: &Lasting<'_>, target: &Target, calendars: &Calendars) -> Option<Self> {
        let end = lasting.end.into_iter().chain(lasting.cut).map(|end| end.earliest).min();
        let cross = |seconds: u64| {
            let duration = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
            let at = match target.clock {
                Clock::Wall => lasting.start.latest.checked_add(duration).ok(),
                Clock::Open => calendars.add_open(lasting.start.latest, duration),
            };
            at.filter(|at| end.is_none_or(|end| *at < end))
        };
        let yellow = cross(target.yellow_seconds)?;
        Some(Self { yellow, red: target.red_seconds.and_then(cross), end })
    }

    /// The interval as known now; whoever made the deal and the targets names the versions.
    fn interval(&self, lasting: &Lasting<'_>, target: &Target, now: Timestamp) -> FlagInterval {
        let red_at = self.red.filter(|red| *red <= now);
        FlagInterval {
            id: format!("{}/{}", target.flag.as_str(), lasting.id),
            kind: target.flag,
            subject: lasting.id.to_owned(),
            measure: target.measure.clone(),
            department: lasting.department.to_owned(),
            severity: if red_at.is_some() { Severity::Red } else { Severity::Yellow },
            opened_at: self.yellow,
            red_at,
            closed_at: self.end.filter(|end| *end <= now),
            facts: self.facts(lasting, target, now),
            targets_version: String::new(),
            definition_version: String::new(),
            calendar_version: 0,
        }
    }
}

impl Crossings {
    fn facts(&self, lasting: &Lasting<'_>, target: &Target, now: Timestamp) -> Vec<Fact> {
        let mut facts = facts(lasting, target);
        // It certainly stood until the earliest end; if that is not known to be the end, say until when it may have.
        if let Some(end) = self.end.filter(|end| *end <= now)
            && let Some(latest) = lasting.end.into_iter().chain(lasting.cut).map(|bound| bound.latest).min()
            && end < latest
        {
            facts.push(Fact { name: "ended_at_latest".to_owned(), value: latest.to_string() });
        }
        facts
    }
}

fn facts(lasting: &Lasting<'_>, target: &Target) -> Vec<Fact> {
    let fact = |name: &str, value: &dyn fmt::Display| Fact { name: name.to_owned(), value: value.to_string() };
    let clock = match target.clock {
        Clock::Wall => "wall",
        Clock::Open => "open",
    };
    let mut facts = vec![
        fact("started_at", &lasting.start.latest),
        fact("round", &lasting.round),
        fact("yellow_seconds", &target.yellow_seconds),
        fact("clock", &clock),
    ];
    if let Some(red) = target.red_seconds {
        facts.push(fact("red_seconds", &red));
    }
    if let Some(instance) = lasting.instance {
        facts.push(fact("instance", &instance));
    }
    if lasting.start.earliest != lasting.start.latest {
        facts.push(fact("started_at_earliest", &lasting.start.earliest));
    }
    facts
}
