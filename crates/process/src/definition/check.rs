//! What can be wrong with a definition: everything at once, each with its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use super::{
    Violation,
    document::{Document, Named},
};
use crate::interval::IntervalKind;

/// More than any process that people can read; keeps the fold's work for one event small.
const MAX_ENTRIES: usize = 500;
const MAX_ID: usize = 100;
/// A year: a step that is rarer can't be told from one that no source reports.
const MAX_OPEN_DAYS: u32 = 365;

pub(super) fn violations(document: &Document) -> Vec<Violation> {
    let mut check = Check::default();
    check.id("id", &document.id);
    check.that(document.version > 0, "version", "must be at least 1");

    let departments = check.named("departments", &document.departments);
    let tracks = check.named("tracks", &document.tracks);
    check.named("judgements", &document.judgements);
    let days = document.observed_for_open_days;
    check.that((1..=MAX_OPEN_DAYS).contains(&days), "observed_for_open_days", format!("must be 1 to {MAX_OPEN_DAYS}"));
    check.roles(document, &departments);
    let ranks = check.events(document, &departments);
    check.order(document, &ranks);
    check.intervals(document, &ranks, &departments, &tracks);
    check.known("opened_by", &document.opened_by, &ranks);
    if let Some(rounds) = &document.rounds {
        check.known("rounds", rounds, &ranks);
    }
    check.all_known("rework.counted", &document.rework.counted, &ranks);
    check.all_known("rework.repeated", &document.rework.repeated, &ranks);
    check.targets(document);
    check.rates(document, &ranks);
    check.violations
}

type Ids<'a> = BTreeSet<&'a str>;
type Ranks<'a> = BTreeMap<&'a str, u32>;

#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
}

impl Check {
    fn that(&mut self, holds: bool, path: impl Display, problem: impl Display) {
        if !holds {
            self.violations.push(Violation { path: path.to_string(), problem: problem.to_string() });
        }
    }

    fn id(&mut self, path: impl Display, id: &str) {
        let fits = !id.is_empty()
            && id.len() <= MAX_ID
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'));
        self.that(fits, path, format!("'{id}' is no id; use a-z, 0-9, '_', '-' and '.', at most {MAX_ID} characters"));
    }

    fn ids<'a>(&mut self, path: &str, ids: impl Iterator<Item = &'a str>) -> Ids<'a> {
        let mut seen = Ids::new();
        let mut count = 0;
        for (at, id) in ids.enumerate() {
            self.id(format!("{path}[{at}]"), id);
            let new = seen.insert(id);
            self.that(new, format!("{path}[{at}]"), format!("'{id}' is there twice"));
            count += 1;
        }
        self.that(count <= MAX_ENTRIES, path, format!("has {count} entries; at most {MAX_ENTRIES}"));
        seen
    }

    fn named<'a>(&mut self, path: &str, named: &'a [Named]) -> Ids<'a> {
        self.ids(path, named.iter().map(|named| named.id.as_str()))
    }

    fn known(&mut self, path: impl Display, event_type: &str, ranks: &Ranks<'_>) {
        self.that(ranks.contains_key(event_type), path, format!("'{event_type}' is not among the events"));
    }

    fn all_known(&mut self, path: &str, types: &[String], ranks: &Ranks<'_>) {
        self.that(types.len() <= MAX_ENTRIES, path, format!("at most {MAX_ENTRIES} types"));
        for (at, event_type) in types.iter().enumerate() {
            self.known(format!("{path}[{at}]"), event_type, ranks);
        }
    }

    fn some_known(&mut self, path: &str, types: &[String], ranks: &Ranks<'_>) {
        self.that(!types.is_empty(), path, "must name at least one event type");
        self.all_known(path, types, ranks);
    }

    fn one_of(&mut self, path: impl Display, id: &str, ids: &Ids<'_>, what: &str) {
        self.that(ids.contains(id), path, format!("'{id}' is not among the {what}"));
    }

    fn roles(&mut self, document: &Document, departments: &Ids<'_>) {
        self.ids("roles", document.roles.iter().map(|role| role.id.as_str()));
        for (at, role) in document.roles.iter().enumerate() {
            self.one_of(format!("roles[{at}].department"), &role.department, departments, "departments");
        }
    }

    fn events<'a>(&mut self, document: &'a Document, departments: &Ids<'_>) -> Ranks<'a> {
        self.ids("events", document.events.iter().map(|event| event.event_type.as_str()));
        let ranks: Ranks<'a> = document.events.iter().map(|event| (event.event_type.as_str(), event.rank)).collect();
        for (at, event) in document.events.iter().enumerate() {
            let path = format!("events[{at}]");
            self.that(event.rank < u32::MAX, format!("{path}.rank"), "is kept for unknown types; use a lower one");
            for (at, moved) in event.moves.iter().enumerate() {
                let path = format!("{path}.moves[{at}]");
                if let Some(department) = &moved.department {
                    self.one_of(format!("{path}.department"), department, departments, "departments");
                }
                if let Some(awaits) = &moved.awaits {
                    self.known(format!("{path}.awaits"), awaits, &ranks);
                    self.that(moved.department.is_some(), &path, "awaits needs a department that it is offered to");
                }
            }
            if let Some(review) = &event.review {
                self.id(format!("{path}.review.kind"), &review.kind);
                if let Some(after) = &review.after {
                    self.known(format!("{path}.review.after"), after, &ranks);
                }
            }
        }
        ranks
    }

    /// Ranks that rise along every edge make cycles impossible.
    fn order(&mut self, document: &Document, ranks: &Ranks<'_>) {
        self.that(document.order.len() <= MAX_ENTRIES, "order", format!("at most {MAX_ENTRIES} entries"));
        for (at, order) in document.order.iter().enumerate() {
            self.known(format!("order[{at}].before"), &order.before, ranks);
            self.known(format!("order[{at}].after"), &order.after, ranks);
            if let (Some(before), Some(after)) = (ranks.get(&*order.before), ranks.get(&*order.after)) {
                let problem = format!("'{}' comes before '{}', so its rank must be lower", order.before, order.after);
                self.that(before < after, format!("order[{at}]"), problem);
            }
        }
    }

    fn intervals(&mut self, document: &Document, ranks: &Ranks<'_>, departments: &Ids<'_>, tracks: &Ids<'_>) {
        let count = document.intervals.len();
        self.that(count <= MAX_ENTRIES, "intervals", format!("has {count} entries; at most {MAX_ENTRIES}"));
        let mut seen = BTreeSet::new();
        for (at, interval) in document.intervals.iter().enumerate() {
            let path = format!("intervals[{at}]");
            let kind = interval.kind.as_str();
            self.id(format!("{path}.name"), &interval.name);
            let new = seen.insert((interval.kind, &interval.name));
            self.that(new, format!("{path}.name"), format!("the {kind} '{}' is there twice", interval.name));
            self.one_of(format!("{path}.owner_department"), &interval.owner_department, departments, "departments");
            match &interval.track {
                Some(track) => self.one_of(format!("{path}.track"), track, tracks, "tracks"),
                None => self.that(interval.kind != IntervalKind::Stage, format!("{path}.track"), "every stage has one"),
            }
            let (path_offered, handoff) =
                (format!("{path}.offered_by_department"), interval.kind == IntervalKind::Handoff);
            match &interval.offered_by_department {
                Some(department) => self.one_of(path_offered, department, departments, "departments"),
                None => self.that(!handoff, path_offered, "every handoff has one"),
            }
            self.that(
                interval.track.is_none() || interval.kind == IntervalKind::Stage,
                format!("{path}.track"),
                format!("a {kind} has none"),
            );
            self.that(
                interval.offered_by_department.is_none() || handoff,
                format!("{path}.offered_by_department"),
                format!("a {kind} has none"),
            );
            self.some_known(&format!("{path}.start"), &interval.start, ranks);
            self.some_known(&format!("{path}.end"), &interval.end, ranks);
            self.all_known(&format!("{path}.overtaken_by"), &interval.overtaken_by, ranks);
            self.all_known(&format!("{path}.requires"), &interval.requires, ranks);
        }
    }

    fn targets(&mut self, document: &Document) {
        let targets = &document.targets.targets;
        self.that(targets.len() <= MAX_ENTRIES, "targets.targets", format!("at most {MAX_ENTRIES} entries"));
        self.that(!document.targets.version.is_empty(), "targets.version", "must not be empty");
        let mut seen = BTreeSet::new();
        for (at, target) in targets.iter().enumerate() {
            let path = format!("targets.targets[{at}]");
            let named = IntervalKind::parse_measure(&target.measure).is_some_and(|(kind, name)| {
                document.intervals.iter().any(|interval| interval.kind == kind && interval.name == name)
            });
            let problem = format!("'{}' is not KIND.NAME of an interval of this definition", target.measure);
            self.that(named, format!("{path}.measure"), problem);
            let new = seen.insert((&target.measure, &target.instance, target.flag.as_str()));
            self.that(new, &path, format!("'{}' has this target twice", target.measure));
            if let Some(red) = target.red_seconds {
                self.that(
                    red >= target.yellow_seconds,
                    format!("{path}.red_seconds"),
                    "must not be below yellow_seconds",
                );
            }
        }
    }

    fn rates(&mut self, document: &Document, ranks: &Ranks<'_>) {
        self.ids("rates", document.rates.iter().map(|rate| rate.id.as_str()));
        for (at, rate) in document.rates.iter().enumerate() {
            let path = format!("rates[{at}]");
            self.known(format!("{path}.of"), &rate.of, ranks);
            self.known(format!("{path}.over"), &rate.over, ranks);
            let rises = rate.yellow_percent <= rate.red_percent;
            self.that(rises, format!("{path}.red_percent"), "must not be below yellow_percent");
        }
    }
}
