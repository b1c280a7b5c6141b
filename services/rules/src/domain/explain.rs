//! Why a flag stands, in one sentence for people and in facts for machines.
//!
//! A sentence speaks of the flag's last change (opened, turned red, closed), never of the moment of judging: the same
//! interval always reads the same.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{
    IntervalKind,
    flag::{Fact, FlagInterval, FlagKind},
};

use super::{Rulebook, Subject};

/// Something that contributes, most important first.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub code: String,
    pub text: String,
    /// Share of the whole, 0 to 1.
    pub weight: f64,
}

/// Others wait for the same department: the more, the likelier that the wait is its queue and not this deal.
pub fn queue_cause(department: &str, others: u32) -> Option<Cause> {
    let text = match others {
        0 => return None,
        1 => format!("1 other deal waits for {department}"),
        _ => format!("{others} other deals wait for {department}"),
    };
    Some(Cause { code: "queue_length".to_owned(), text, weight: f64::from(others) / (f64::from(others) + 1.0) })
}

/// The facts of the process and those that people ask for first.
pub(super) fn facts(interval: &FlagInterval, rulebook: &Rulebook) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let handoff = interval.kind == FlagKind::HandoffIdle;
    let mut facts = vec![fact("department", interval.department.clone())];
    if let Some(started) = started_at(interval) {
        if handoff {
            facts.push(fact("offered_at", started.to_string()));
        }
        let name = if handoff { "idle_seconds" } else { "age_seconds" };
        facts.push(fact(name, seconds(started, interval.opened_at).to_string()));
        if in_open_hours(interval) {
            let open = rulebook.hours_of(interval).open_duration(started, interval.opened_at);
            facts.push(fact("open_seconds", open.as_secs().to_string()));
        }
    }
    facts.extend(interval.facts.iter().map(|given| fact(&given.name, given.value.clone())));
    facts
}

/// What, which, for how long, against which target.
pub(super) fn sentence(interval: &FlagInterval, subject: &Subject, rulebook: &Rulebook) -> String {
    let last = interval.closed_at.or(interval.red_at).unwrap_or(interval.opened_at);
    let lasted = lasted(interval, rulebook, last);
    let target = Scale::of(interval).target(interval);
    let deal = subject.called();
    let department = rulebook.department(&interval.department);
    let what = what(interval, rulebook);
    match (interval.kind, interval.closed_at.is_some()) {
        (FlagKind::HandoffIdle, false) => format!("{department} has not accepted deal {deal} for {lasted} ({target})"),
        (FlagKind::HandoffIdle, true) => format!("deal {deal} waited {lasted} for {department} ({target})"),
        (FlagKind::VehicleNotReady, false) => {
            format!("the car of deal {deal} is not ready {lasted} after the contract was signed ({target})")
        }
        (FlagKind::VehicleNotReady, true) => {
            format!("the car of deal {deal} was ready {lasted} after the contract was signed ({target})")
        }
        (FlagKind::DeliveredNotFunded, false) => {
            format!("deal {deal} is delivered and not funded for {lasted} ({target})")
        }
        (FlagKind::DeliveredNotFunded, true) => {
            format!("deal {deal} was delivered and not funded for {lasted} ({target})")
        }
        (FlagKind::InStoreOverTarget, false) => {
            format!("the customer of deal {deal} has been in the store for {lasted} ({target})")
        }
        (FlagKind::InStoreOverTarget, true) => {
            format!("the customer of deal {deal} was in the store for {lasted} ({target})")
        }
        (FlagKind::FeedSilent, closed) => feed_silent(interval, closed),
        (FlagKind::StageOverTarget | FlagKind::TradeFrontlineLate, false) => {
            format!("{what} of deal {deal} has taken {department} {lasted} ({target})")
        }
        (FlagKind::StageOverTarget | FlagKind::TradeFrontlineLate, true) => {
            format!("{what} of deal {deal} took {department} {lasted} ({target})")
        }
    }
}

/// Which source is silent since when, and which steps may have happened unseen.
fn feed_silent(interval: &FlagInterval, closed: bool) -> String {
    let of = |name| fact(interval, name).unwrap_or_default();
    let (source, heard) = (of("source"), of("last_heard_at"));
    let hides: Vec<&str> = of("hides").split(',').filter(|step| !step.is_empty()).collect();
    let steps = match hides.len() {
        0 => "its steps are reported by other sources as well".to_owned(),
        1..=3 => format!("{} may have happened unseen", hides.join(", ")),
        more => format!("{} and {} more steps may have happened unseen", hides[..2].join(", "), more - 2),
    };
    match interval.closed_at.filter(|_| closed) {
        Some(until) => format!("{source} sent nothing from {heard} to {until}"),
        None => format!("{source} has sent nothing since {heard}: {steps}"),
    }
}

/// For how long it had lasted: at least, where its times are bounded; in open hours, where its target is.
fn lasted(interval: &FlagInterval, rulebook: &Rulebook, last: Timestamp) -> String {
    let open = in_open_hours(interval);
    let seconds = started_at(interval).map_or(0, |started| match open {
        true => rulebook.hours_of(interval).open_duration(started, last).as_secs(),
        false => seconds(started, last),
    });
    let bounded = ["started_at_earliest", "ended_at_latest"].iter().any(|name| fact(interval, name).is_some());
    let least = if bounded { "at least " } else { "" };
    let hours = if open { " of open hours" } else { "" };
    format!("{least}{}{hours}", Scale::of(interval).span(seconds))
}

fn in_open_hours(interval: &FlagInterval) -> bool {
    fact(interval, "clock") == Some("open")
}

/// What people call the measure: its title, else its kind and name.
fn what(interval: &FlagInterval, rulebook: &Rulebook) -> String {
    let Some((kind, name)) = IntervalKind::parse_measure(&interval.measure) else { return interval.measure.clone() };
    match rulebook.definition.interval(kind, name).map(|interval| interval.title.as_str()) {
        Some(title) if !title.is_empty() => title.to_owned(),
        _ => format!("{} {}", kind.as_str(), name.replace('_', " ")),
    }
}

fn fact<'a>(interval: &'a FlagInterval, name: &str) -> Option<&'a str> {
    interval.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
}

fn started_at(interval: &FlagInterval) -> Option<Timestamp> {
    fact(interval, "started_at")?.parse().ok()
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).max(SignedDuration::ZERO).as_secs()
}

/// In what a duration is said: that of its target.
#[derive(Clone, Copy)]
enum Scale {
    Minutes,
    Hours,
    Days,
}

impl Scale {
    fn of(interval: &FlagInterval) -> Self {
        let yellow = fact(interval, "yellow_seconds").and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        match yellow {
            172_800.. => Self::Days,
            14_400.. => Self::Hours,
            _ => Self::Minutes,
        }
    }

    fn parts(self) -> (i64, &'static str) {
        match self {
            Self::Minutes => (60, "min"),
            Self::Hours => (3_600, "h"),
            Self::Days => (86_400, "d"),
        }
    }

    fn span(self, seconds: i64) -> String {
        let (unit, name) = self.parts();
        format!("{} {name}", seconds / unit)
    }

    fn target(self, interval: &FlagInterval) -> String {
        let (unit, _) = self.parts();
        let of = |name| fact(interval, name).and_then(|value| value.parse::<i64>().ok()).map(|value| value / unit);
        match (of("yellow_seconds"), of("red_seconds")) {
            (Some(yellow), Some(red)) => format!("target {yellow}/{red}"),
            (Some(yellow), None) => format!("target {yellow}"),
            _ => "no target".to_owned(),
        }
    }
}
